"""How far a segment has been read, and what of it is to be sent next."""

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
class Tail:
    """One segment's reading. `inherited` is the highest number that an earlier publisher got confirmed."""

    name: SegmentName
    inherited: int
    offset: int = 0  # bytes
    first: int = 0  # sequences read, 0 for none
    last: int = 0
    is_read: bool = False  # to its end, when last looked at
    is_damaged: bool = False

    def next_run(self, spool: Spool) -> list[Entry]:
        """The next unconfirmed entries, their numbers without a gap, as many as a message holds; none at the end.

        Passes over what is confirmed already. Raises `OSError`.
        """
        while chunk := list(islice(spool.read(self.name, self.offset, BATCH_BYTES), self._wanted)):
            settled = self._settled(chunk[0].sequence, chunk[-1].sequence)
            for (is_settled, _), run in groupby(
                enumerate(chunk), key=lambda item: (item[1].sequence in settled, item[1].sequence - item[0])
            ):
                entries = [entry for _, entry in run]
                if not is_settled:
                    self.is_read = False
                    return entries[:BATCH_RECORDS]
                self.pass_over(entries)
        self.is_read = True
        return []

    @property
    def _wanted(self) -> int | None:
        """Entries to read: those of a message, or all that fit in memory where some may be confirmed already."""
        return BATCH_RECORDS if self.last >= self.inherited else None

    def pass_over(self, entries: list[Entry]) -> None:
        """Goes on behind these."""
        if entries[0].start > self.offset:
            self._note_damage(entries[0])
        self.first = self.first or entries[0].sequence
        self.last = entries[-1].sequence
        self.offset = entries[-1].end

    def _settled(self, first: int, last: int) -> set[int]:
        """Which of the numbers from `first` to `last` have a receipt of before this publisher's time."""
        if first > self.inherited:
            return set()
        found = Receipt.objects.filter(
            origin=UUID(self.name.origin), first__gt=first - BATCH_RECORDS, first__lte=last, last__gte=first
        )
        ranges = found.values_list("first", "last")
        return {number for low, high in ranges for number in range(max(low, first), min(high, last) + 1)}

    def _note_damage(self, following: Entry) -> None:
        self.is_damaged = True
        begin = f"{self.last + 1}-" if self.last or self.name.number == 1 else "up to "
        lost = f"{begin}{following.sequence - 1}"
        log.error(
            "%s is damaged from byte %d to %d: numbers %s are lost", self.name, self.offset, following.start, lost
        )
