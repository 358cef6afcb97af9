"""The account of all records, cheap enough for every scrape: answered = written + waiting + dispositions + missing.

Nothing here counts the log. What an origin's head says is settled was settled; from it, the dispositions, and what the
journal holds beyond it, all sets follow. What settles while this process looks on is looked for once, so that a number
that has neither row nor disposition shows: `reconcile` counts everything, and `verify_log` proves it.
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
from recording.publisher import progress

RECENT = 10_000  # numbers of an origin that are looked for when this process first looks
NEWEST = 20  # origins of which that is done
MOST_BYTES = 2**62  # of a segment: all of it

Range = tuple[UUID, int, int]


class JournalEnds:
    """How far each origin's numbers go in a journal. Remembers how far it has read, so as to read only what is new."""

    def __init__(self) -> None:
        self._read: dict[SegmentName, tuple[int, int]] = {}  # bytes, and the number that ends there

    def look(self, journal: Path) -> dict[UUID, int]:
        """The last number of each origin that may have unconfirmed ones there. Raises `OSError`."""
        spool, offsets = Spool(journal), progress.read(journal)
        newest_first = reversed(spool.segments())
        before, self._read, ends = self._read, {}, dict[UUID, int]()
        for name in newest_first:
            if UUID(name.origin) not in ends:
                self._read[name] = _read_on(spool, name, *before.get(name, (0, 0)), offsets.get(str(name), 0))
                if number := self._read[name][1]:
                    ends[UUID(name.origin)] = number
        return ends


def _read_on(spool: Spool, name: SegmentName, offset: int, number: int, confirmed: int) -> tuple[int, int]:
    offset = max(offset, confirmed)
    with suppress(FileNotFoundError):  # let go in this moment: its numbers are settled
        for entry in spool.read(name, offset, MOST_BYTES):
            offset, number = entry.end, entry.sequence
    return offset, number


class Audit:
    """Looks for each number that settles, once; and again for those that it did not find."""

    def __init__(self) -> None:
        self._looked_to: dict[UUID, int] = {}
        self._open: list[Range] = []
        self._has_begun = False

    def not_found(self, highest: Mapping[UUID, int]) -> int:
        """How many numbers, up to the highest settled of each origin, have neither row nor disposition."""
        news = [(origin, self._begin(origin, highest) + 1, last) for origin, last in highest.items()]
        gaps = {item: _gap(item) for item in [*self._open, *(item for item in news if item[1] <= item[2])]}
        self._open = [item for item, gap in gaps.items() if gap]
        self._looked_to = dict(highest)
        self._has_begun = True
        return sum(gaps.values())

    def _begin(self, origin: UUID, highest: Mapping[UUID, int]) -> int:
        if self._has_begun:
            return self._looked_to.get(origin, 0)
        newest = sorted(highest)[-NEWEST:]  # an origin's id sorts by time
        return max(highest[origin] - RECENT, 0) if origin in newest else highest[origin]


def _gap(item: Range) -> int:
    origin, first, last = item
    own = {"origin": origin, "sequence__range": (first, last)}
    there = Disposition.objects.filter(**own).count()
    there += sum(source.rows.filter(**own).count() for source in sources.registered())
    return last - first + 1 - there


class Numbers:
    """The account, taken again and again."""

    def __init__(self) -> None:
        self._audit = Audit()

    def account(self, ends: Mapping[UUID, int], kept: Mapping[UUID, int]) -> dict[str, int]:
        """Counts of numbers by set; they add up to `answered`. Asks the database: raises its errors.

        `ends` is what the journal told before, and `kept` the heads that are kept beside it.
        """
        dispositions = dict(Disposition.objects.values_list("kind").annotate(Count("id")).order_by())
        highest = dict(Origin.objects.values_list("id", "highest"))
        gaps = self._audit.not_found(highest)
        settled = sum(highest.values())
        lost = sum(max(last - highest.get(origin, 0), 0) for origin, last in kept.items())
        known = {origin: max(highest.get(origin, 0), kept.get(origin, 0)) for origin in ends}
        waiting = sum(max(last - known[origin], 0) for origin, last in ends.items())
        kinds = {kind.value: dispositions.get(kind, 0) for kind in Disposition.Kind}
        return {
            "answered": settled + lost + waiting,
            "written": settled - gaps - sum(kinds.values()),
            "waiting": waiting,
            **kinds,
            "missing": gaps + lost,
        }
