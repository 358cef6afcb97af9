"""Reads a segment: how far it has been read, and which entries to send next."""

import logging
from dataclasses import dataclass
from itertools import groupby, islice
from uuid import UUID

from recording.journal import Entry, Spool
from recording.journal.segment import SegmentName
from recording.models import Receipt

log = logging.getLogger(__name__)

BATCH_RECORDS = 200
BATCH_BYTES = 1024 * 1024


@dataclass
class SegmentReader:
    """The state of reading one segment.

    `confirmed_before` is the highest number of its origin that was confirmed before this publisher saw the segment.
    """

    name: SegmentName
    confirmed_before: int
    offset: int = 0  # bytes
    first: int = 0  # sequences read, 0 for none
    last: int = 0
    is_read: bool = False  # to its end, as of the last read
    is_damaged: bool = False

    def next_entries(self, spool: Spool) -> list[Entry]:
        """The next unconfirmed entries, numbered without a gap, at most one batch; none at the end.

        Skips entries that are already confirmed. Raises `OSError`.
        """
        while chunk := list(islice(spool.read(self.name, self.offset, BATCH_BYTES), self._max_entries)):
            settled = self._settled(chunk[0].sequence, chunk[-1].sequence)
            for (is_settled, _), run in groupby(
                enumerate(chunk), key=lambda item: (item[1].sequence in settled, item[1].sequence - item[0])
            ):
                entries = [entry for _, entry in run]
                if not is_settled:
                    self.is_read = False
                    return entries[:BATCH_RECORDS]
                self.advance(entries)
        self.is_read = True
        return []

    @property
    def _max_entries(self) -> int | None:
        """One batch; unlimited within `BATCH_BYTES` if some entries may be confirmed already."""
        return BATCH_RECORDS if self.last >= self.confirmed_before else None

    def advance(self, entries: list[Entry]) -> None:
        """Moves the offset behind these entries."""
        if entries[0].start > self.offset:
            self._report_damage(entries[0])
        self.first = self.first or entries[0].sequence
        self.last = entries[-1].sequence
        self.offset = entries[-1].end

    def _settled(self, first: int, last: int) -> set[int]:
        """The numbers from `first` to `last` that were confirmed before this publisher saw the segment."""
        if first > self.confirmed_before:
            return set()
        receipts = Receipt.objects.filter(
            origin=UUID(self.name.origin), first__gt=first - BATCH_RECORDS, first__lte=last, last__gte=first
        )
        ranges = receipts.values_list("first", "last")
        return {number for low, high in ranges for number in range(max(low, first), min(high, last) + 1)}

    def _report_damage(self, following: Entry) -> None:
        self.is_damaged = True
        start = f"{self.last + 1}-" if self.last or self.name.number == 1 else "up to "
        lost = f"{start}{following.sequence - 1}"
        log.error(
            "%s is damaged from byte %d to %d: numbers %s are lost", self.name, self.offset, following.start, lost
        )
