"""What the journal still holds: number by number for a proof, or at a glance for a probe."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from recording import sources
from recording.journal import Entry, Spool
from recording.journal.segment import SegmentName
from recording.models import Disposition
from recording.publisher import progress
from recording.records import BadRecord, UnsupportedRecord

AT_ONCE = 1024 * 1024  # bytes of entries held in memory
MAX_SEGMENTS_READ = 16  # segments that a glance reads an entry of

Ranges = dict[UUID, list[tuple[int, int]]]


class UnreadableSegment(Exception):
    """A segment can't be read, so nobody can tell which numbers it holds."""


@dataclass(frozen=True)
class Glance:
    """About how many bytes wait to be rows, and the age of the oldest record among them in seconds."""

    waiting_bytes: int
    oldest_seconds: float


def glance(journal: Path) -> Glance:
    """From sizes, the publisher's notes and a few entries: cheap, and asks neither Redis nor the database.

    Raises `OSError`.
    """
    offsets = progress.read(journal)
    waiting = {}
    for name in Spool(journal).segments():
        left = _size(journal, name) - offsets.get(str(name), 0)
        if left > 0:
            waiting[name] = left
    oldest_of_origins = {name.origin: name for name in sorted(waiting, reverse=True)}
    heads = sorted(oldest_of_origins.values())[:MAX_SEGMENTS_READ]
    moments = [_first_moment(journal, name, offsets.get(str(name), 0)) for name in heads]
    return Glance(sum(waiting.values()), age_seconds([moment for moment in moments if moment]))


def waiting_numbers(journal: Path) -> Ranges:
    """The ranges of numbers that each origin's journal still holds. Raises `UnreadableSegment`."""
    found: Ranges = {}
    for name, entries in _walk(journal):
        ranges = found.setdefault(UUID(name.origin), [])
        for entry in entries:
            if ranges and ranges[-1][1] == entry.sequence - 1:
                ranges[-1] = (ranges[-1][0], entry.sequence)
            else:
                ranges.append((entry.sequence, entry.sequence))
    return found


def unsettled(journal: Path) -> tuple[int, float]:
    """How many of the journal's numbers have neither row nor disposition yet, and the age of the oldest, in seconds.

    Raises `UnreadableSegment`.
    """
    count, oldest = 0, dict[str, datetime | None]()
    for name, entries in _walk(journal):
        settled = _settled(UUID(name.origin), entries[0].sequence, entries[-1].sequence)
        left = [entry for entry in entries if entry.sequence not in settled]
        count += len(left)
        if left and name.origin not in oldest:
            oldest[name.origin] = _moment(left[0])
    return count, age_seconds([moment for moment in oldest.values() if moment])


def age_seconds(moments: list[datetime]) -> float:
    """The age of the oldest of them; 0 for none."""
    return max((datetime.now(UTC) - min(moments)).total_seconds(), 0.0) if moments else 0.0


def _walk(journal: Path) -> Iterator[tuple[SegmentName, list[Entry]]]:
    """All entries in order, some at a time. Raises `UnreadableSegment`."""
    spool = Spool(journal)
    for name in spool.segments():
        for entries in _chunks(spool, name):
            yield name, entries


def _chunks(spool: Spool, name: SegmentName) -> Iterator[list[Entry]]:
    offset = 0
    while entries := _readable(spool, name, offset):
        yield entries
        offset = entries[-1].end


def _readable(spool: Spool, name: SegmentName, offset: int) -> list[Entry]:
    try:
        return _some(spool, name, offset, AT_ONCE)
    except OSError as exc:
        raise UnreadableSegment(f"{name} in the journal can't be read ({exc.strerror}).") from exc


def _some(spool: Spool, name: SegmentName, offset: int, most_bytes: int) -> list[Entry]:
    try:
        return list(spool.read(name, offset, most_bytes))
    except FileNotFoundError:
        return []  # let go in this moment: its numbers are settled


def _settled(origin: UUID, first: int, last: int) -> set[int | None]:
    own = {"origin": origin, "sequence__gte": first, "sequence__lte": last}
    settled: set[int | None] = set(Disposition.objects.filter(**own).values_list("sequence", flat=True))
    for source in sources.registered():
        settled.update(source.rows.filter(**own).values_list("sequence", flat=True))
    return settled


def _size(journal: Path, name: SegmentName) -> int:
    try:
        return Spool(journal).written_bytes(name)
    except FileNotFoundError:
        return 0


def _first_moment(journal: Path, name: SegmentName, offset: int) -> datetime | None:
    entries = _some(Spool(journal), name, offset, 1)
    return _moment(entries[0]) if entries else None


def _moment(entry: Entry) -> datetime | None:
    try:
        source, record = sources.decoded(entry.payload)
    except (BadRecord, UnsupportedRecord):
        return None
    moment: datetime = getattr(record, source.model.time_field)
    return moment
