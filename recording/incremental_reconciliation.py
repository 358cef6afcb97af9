"""Incremental reconciliation, cheap enough for every scrape: answered = written + waiting + dispositions + missing.

It never counts the whole log. It derives the sets from the origins' heads, the dispositions, and the journal's numbers
beyond the heads. It counts each range of newly settled numbers once, so a number without row or disposition shows.
Of folded heads it only sums up the totals; it reads them, and their saved copies, when a fold has changed.
`recording.reconciliation` counts everything, and `verify_log` proves it.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.db.models import Count

from recording import folds, origins, sources
from recording.journal import Spool
from recording.journal.segment import SegmentName
from recording.models import Disposition, Origin
from recording.publisher import heads, progress

RECENT = 10_000  # numbers of an origin that the first call counts
NEWEST = 20  # origins that the first call counts
NEWEST_LATER = 500  # origins that a later call sees for the first time, and counts; it also sees what leaves a fold

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
        begins = self._begins(highest)
        new = [(origin, begins[origin] + 1, last) for origin, last in highest.items()]
        gaps = {item: _gap(item) for item in [*self._with_gaps, *(item for item in new if item[1] <= item[2])]}
        self._with_gaps = [item for item, gap in gaps.items() if gap]
        self._checked_to = dict(highest)
        self._has_begun = True
        return sum(gaps.values())

    def _begins(self, highest: Mapping[UUID, int]) -> dict[UUID, int]:
        """How far each origin counts as checked: of those that it has not seen before, all but the newest do."""
        unseen = sorted(highest.keys() - self._checked_to.keys())  # an origin's id sorts by time
        if self._has_begun:
            newest = dict.fromkeys(unseen[-NEWEST_LATER:], 0)
        else:
            newest = {origin: max(highest[origin] - RECENT, 0) for origin in unseen[-NEWEST:]}
        return {**highest, **newest, **self._checked_to}


def _gap(item: Range) -> int:
    origin, first, last = item
    numbers = {"origin": origin, "sequence__range": (first, last)}
    found = Disposition.objects.filter(**numbers).count()
    found += sum(source.rows.filter(**numbers).count() for source in sources.registered())
    return last - first + 1 - found


class SavedFolds:
    """The heads in the file of folded ones that are in no fold now: they were taken out, or somebody deleted them."""

    def __init__(self) -> None:
        self._seen: object = None
        self._left: dict[UUID, int] = {}

    def left(self, journal: Path, totals: folds.Totals) -> Mapping[UUID, int]:
        """Their highest numbers. Reads the file and the folds only if either has changed. Raises `DamagedHeads`."""
        path = journal / heads.FOLDED_NAME
        seen = totals, _state(path)
        if seen != self._seen:
            self._left = {origin: head.settled.highest for origin, head in heads.read_one(path).items()}
            for row in folds.rows():
                if folds.highest(row) >= self._left.get(row.id, 0):
                    self._left.pop(row.id, None)
            self._seen = seen
        return self._left


def _state(path: Path) -> object:
    with suppress(FileNotFoundError):
        found = path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns
    return None


class IncrementalReconciliation:
    """Keeps the state between calls of `account`."""

    def __init__(self) -> None:
        self._gap_check = GapCheck()
        self._saved_folds = SavedFolds()

    def account(self, journal: Path, ends: Mapping[UUID, int]) -> dict[str, int]:
        """Counts of numbers by set; the others add up to `answered`.

        `ends` must have been read from the journal before. Raises Django's database errors or `DamagedHeads`.
        """
        saved = {origin: head.settled.highest for origin, head in heads.read_one(journal / heads.FILE_NAME).items()}
        dispositions = dict(Disposition.objects.values_list("kind").annotate(Count("id")).order_by())
        highest, totals = _settled()
        gaps = self._gap_check.missing(highest)
        left = self._saved_folds.left(journal, totals)
        saved |= {origin: max(last, saved.get(origin, 0)) for origin, last in left.items()}
        unknown = origins.find((saved.keys() | ends.keys()) - highest.keys())  # folded, or not settled at all
        known = highest | {origin: head.settled.highest for origin, head in unknown.items()}
        settled = sum(highest.values()) + totals.numbers
        lost = sum(max(last - known.get(origin, 0), 0) for origin, last in saved.items())
        waiting = sum(max(last - max(known.get(origin, 0), saved.get(origin, 0)), 0) for origin, last in ends.items())
        kinds = {kind.value: dispositions.get(kind, 0) for kind in Disposition.Kind}
        return {
            "answered": settled + lost + waiting,
            "written": settled - gaps - sum(kinds.values()),
            "waiting": waiting,
            **kinds,
            "missing": gaps + lost,
        }


def _settled() -> tuple[dict[UUID, int], folds.Totals]:
    """The highest settled number of each open head, and the totals of the folds, as of the same moment."""
    totals = folds.totals()
    while True:
        highest = {row.id: folds.highest(row) for row in Origin.objects.only("id", "settled")}
        before, totals = totals, folds.totals()
        if totals == before:  # otherwise a head was moved meanwhile, and would count twice or not at all
            return highest, totals
