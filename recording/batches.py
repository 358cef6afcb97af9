"""Batches: consecutive numbered records of one origin, and the Celery message that carries them to a worker."""

import hmac
import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import pybase64

from recording.journal import Entry
from recording.seals import keyring

WRITE_RECORDS = "recording.write_records"  # the Celery task that writes a batch
MAX_SEQUENCE = 2**63 - 1
HOST_LENGTH, KEY_ID_LENGTH = 255, 16

_HEAD = struct.Struct("<I32s32s")  # a record's payload length in bytes, digest, seal


class BadBatch(ValueError):
    """The message is not a valid batch. The error text quotes nothing of it."""


class Numbered(NamedTuple):
    """A record's bytes as the journal numbered and sealed them."""

    sequence: int
    digest: bytes
    seal: bytes
    payload: bytes


@dataclass(frozen=True)
class Batch:
    """Records of one origin, numbered without a gap."""

    origin: UUID
    host: str
    key_id: str
    records: tuple[Numbered, ...]

    @classmethod
    def of(cls, origin: UUID, host: str, key_id: str, entries: Iterable[Entry]) -> "Batch":
        """A batch of journal entries."""
        return cls(origin, host, key_id, tuple(Numbered(*entry) for entry in entries))

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> "Batch":
        """Decodes what `as_message` wrote. Raises `BadBatch` for anything else, and `UnknownKey`."""
        try:
            raw = pybase64.b64decode(message["records"], validate=True)
            numbered = tuple(_unpacked(raw, message["first"]))
            batch = cls(UUID(message["origin"]), message["host"], message["key_id"], numbered)
            if not batch._is_valid():
                raise BadBatch("the message's values are out of their ranges")
            if not hmac.compare_digest(pybase64.b64decode(message["seal"], validate=True), batch._seal(raw)):
                raise BadBatch("the message does not come from a publisher: its seal does not verify")
        except BadBatch:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, struct.error) as exc:
            raise BadBatch(f"the message can't be read ({type(exc).__name__})") from None
        return batch

    def as_message(self) -> dict[str, Any]:
        """JSON values, sealed. The records are packed: JSON within JSON would take most of the sender's time.

        Raises `UnknownKey`.
        """
        packed = b"".join(map(_packed, self.records))
        return {
            "origin": str(self.origin),
            "host": self.host,
            "key_id": self.key_id,
            "first": self.first,
            "records": pybase64.b64encode_as_string(packed),
            "seal": pybase64.b64encode_as_string(self._seal(packed)),
        }

    def _seal(self, packed: bytes) -> bytes:
        """The seal of the message, which shows that it comes from a publisher."""
        text = json.dumps([str(self.origin), self.host, self.first])
        return keyring().find(self.key_id).message(text, packed)

    def _is_valid(self) -> bool:
        """Whether its values fit the database's columns."""
        texts: tuple[tuple[Any, int], ...] = ((self.host, HOST_LENGTH), (self.key_id, KEY_ID_LENGTH))
        return (
            bool(self.records)
            and type(self.first) is int
            and 1 <= self.first <= self.last <= MAX_SEQUENCE
            and all(isinstance(text, str) and len(text) <= most and "\0" not in text for text, most in texts)
        )

    @property
    def first(self) -> int:
        """The lowest number."""
        return self.records[0].sequence

    @property
    def last(self) -> int:
        """The highest number."""
        return self.records[-1].sequence

    def __str__(self) -> str:
        return f"{len(self.records)} records, {self.first}-{self.last} of {self.origin}"


def _packed(item: Numbered) -> bytes:
    return _HEAD.pack(len(item.payload), item.digest, item.seal) + item.payload


def _unpacked(raw: bytes, first: int) -> Iterator[Numbered]:
    sequence, start = first, 0
    while start < len(raw):
        length, digest, seal = _HEAD.unpack_from(raw, start)
        start += _HEAD.size + length
        if start > len(raw):
            raise BadBatch("the message's last record is cut off")
        yield Numbered(sequence, digest, seal, raw[start - length : start])
        sequence += 1
