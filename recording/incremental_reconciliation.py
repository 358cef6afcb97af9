"""Incremental reconciliation, cheap enough for every scrape: answered = written + waiting + dispositions + missing.

It never counts the whole log. It derives the sets from the origins' heads, the dispositions, and the journal's numbers
beyond the heads. It counts each range of newly settled numbers once, so a number without row or disposition shows.
`recording.reconciliation` counts everything, and `verify_log` proves it.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.db.models import Count

from recording import sources
from recording.journal import Spool
from recording.journal.segment import SegmentName
from recording.models import Disposition, Origin
from recording.origins import Head
from recording.publisher import progress
from recording.publisher.heads import SavedHeads

RECENT = 10_000  # numbers of an origin that the first call counts
NEWEST = 20  # origins that the first call counts

Range = tuple[UUID, int, int]


class JournalEnds:
    """The last number of each origin in a journal. Remembers how far it has read, to read only new entries."""

    def __init__(self) -> None:
        self._read: dict[SegmentName, tuple[int, int]] = {}  # offset, and the number of the entry that ends there

    def read(self, journal: Path) -> dict[UUID, int]:
        """The last number of each origin that may have unconfirmed ones there. Raises `OSError`."""
        spool, offsets = Spool(journal), progress.read(journal)
        newest_first = reversed(spool.segments())
        before, self._read, ends = self._read, {}, dict[UUID, int]()
        for name in newest_first:
            if UUID(name.origin) not in ends:
                self._read[name] = _read_new(spool, name, *before.get(name, (0, 0)), offsets.get(str(name), 0))
                if number := self._read[name][1]:
                    ends[UUID(name.origin)] = number
        return ends


def _read_new(spool: Spool, name: SegmentName, offset: int, number: int, confirmed: int) -> tuple[int, int]:
    offset = max(offset, confirmed)
    with suppress(FileNotFoundError):  # the publisher has just removed it: its numbers are settled
        for frame in spool.frames(name, offset):
            offset, number = frame.end, frame.last
    return offset, number


class GapCheck:
    """Counts rows and dispositions for each settled number once, and again for ranges with gaps."""

    def __init__(self) -> None:
        self._checked_to: dict[UUID, int] = {}
        self._with_gaps: list[Range] = []
        self._has_begun = False

    def missing(self, highest: Mapping[UUID, int]) -> int:
        """How many numbers, up to the highest settled one of each origin, have neither row nor disposition."""
        new = [(origin, self._begin(origin, highest) + 1, last) for origin, last in highest.items()]
        gaps = {item: _gap(item) for item in [*self._with_gaps, *(item for item in new if item[1] <= item[2])]}
        self._with_gaps = [item for item, gap in gaps.items() if gap]
        self._checked_to = dict(highest)
        self._has_begun = True
        return sum(gaps.values())

    def _begin(self, origin: UUID, highest: Mapping[UUID, int]) -> int:
        if self._has_begun:
            return self._checked_to.get(origin, 0)
        newest = sorted(highest)[-NEWEST:]  # an origin's id sorts by time
        return max(highest[origin] - RECENT, 0) if origin in newest else highest[origin]


def _gap(item: Range) -> int:
    origin, first, last = item
    numbers = {"origin": origin, "sequence__range": (first, last)}
    found = Disposition.objects.filter(**numbers).count()
    found += sum(source.rows.filter(**numbers).count() for source in sources.registered())
    return last - first + 1 - found


class IncrementalReconciliation:
    """Keeps the state between calls of `account`."""

    def __init__(self) -> None:
        self._gap_check = GapCheck()

    def account(self, ends: Mapping[UUID, int], saved_heads: SavedHeads) -> dict[str, int]:
        """Counts of numbers by set; the others add up to `answered`. Raises Django's database errors.

        `ends` must have been read from the journal before; `saved_heads` are the heads saved beside the journal.
        """
        dispositions = dict(Disposition.objects.values_list("kind").annotate(Count("id")).order_by())
        highest = {row.id: Head.of(row).settled.highest for row in Origin.objects.all()}
        gaps = self._gap_check.missing(highest)
        settled = sum(highest.values())
        saved = {origin: head.settled.highest for origin, head in saved_heads.items()}
        lost = sum(max(last - highest.get(origin, 0), 0) for origin, last in saved.items())
        known = {origin: max(highest.get(origin, 0), saved.get(origin, 0)) for origin in ends}
        waiting = sum(max(last - known[origin], 0) for origin, last in ends.items())
        kinds = {kind.value: dispositions.get(kind, 0) for kind in Disposition.Kind}
        return {
            "answered": settled + lost + waiting,
            "written": settled - gaps - sum(kinds.values()),
            "waiting": waiting,
            **kinds,
            "missing": gaps + lost,
        }
