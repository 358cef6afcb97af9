"""Consecutive numbered records on their way from the journal to the log, as the worker's message carries them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ml_proxy.journal import Entry


@dataclass(frozen=True)
class Numbered:
    """A record's bytes as the journal numbered and sealed them."""

    sequence: int
    digest: bytes
    seal: bytes
    payload: bytes


@dataclass(frozen=True)
class Batch:
    """Records of one origin, their numbers without a gap."""

    origin: UUID
    host: str
    key_id: str
    records: tuple[Numbered, ...]

    @classmethod
    def of(cls, origin: UUID, host: str, key_id: str, entries: Iterable[Entry]) -> "Batch":
        """What a journal holds."""
        return cls(origin, host, key_id, tuple(Numbered(*entry[:4]) for entry in entries))

    @classmethod
    def from_message(
        cls, *, origin: str, host: str, key_id: str, first: int, records: list[tuple[str, str, str]]
    ) -> "Batch":
        """What `as_message` wrote. Raises `ValueError` or `TypeError` for anything else."""
        numbered = (
            Numbered(sequence, bytes.fromhex(digest), bytes.fromhex(seal), payload.encode())
            for sequence, (digest, seal, payload) in enumerate(records, start=first)
        )
        return cls(UUID(origin), host, key_id, tuple(numbered))

    def as_message(self) -> dict[str, Any]:
        """JSON values; a payload that is not UTF-8 comes with replacement characters, and so into quarantine."""
        records = [
            (item.digest.hex(), item.seal.hex(), item.payload.decode("utf-8", "replace")) for item in self.records
        ]
        return {
            "origin": str(self.origin),
            "host": self.host,
            "key_id": self.key_id,
            "first": self.first,
            "records": records,
        }

    @property
    def first(self) -> int:
        """Its lowest number."""
        return self.records[0].sequence

    @property
    def last(self) -> int:
        """Its highest number."""
        return self.records[-1].sequence

    def __str__(self) -> str:
        return f"{len(self.records)} records, {self.first}-{self.last} of {self.origin}"
