"""Records as a worker received them: numbered, and decoded by their source where that is possible."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from recording import sources
from recording.batches import Numbered
from recording.records import BadRecord, SealableRecord
from recording.sources import RecordSource


@dataclass(eq=False)
class Received:
    """One numbered record. `refusal` says why no table takes it; then it has neither source nor record."""

    number: Numbered
    source: RecordSource | None = None
    record: SealableRecord | None = None
    refusal: str = ""
    notes: dict[str, Any] = field(default_factory=dict)  # of the source's hooks, from one to the next

    @property
    def decoded(self) -> SealableRecord:
        """The record of one that was not refused."""
        assert self.record is not None  # noqa: S101 - whoever asks has left out the refused ones
        return self.record

    @property
    def event(self) -> UUID:
        """The id of its record, which is its row's."""
        return self.decoded.id


def received(numbers: Iterable[Numbered]) -> list[Received]:
    """All of them. Raises `UnsupportedRecord` where one needs a newer worker: then the batch has to wait."""
    return [_received(number) for number in numbers]


def _received(number: Numbered) -> Received:
    try:
        source, record = sources.decoded(number.payload)
    except BadRecord as exc:
        return Received(number, refusal=str(exc))
    return Received(number, source, record)
