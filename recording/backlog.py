"""What the journal still holds: exact numbers for verification, or a cheap estimate for a probe."""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from common.encryption import UnknownDataKey
from common.number_set import NumberSet
from recording import origins, sources
from recording.journal import Entry, Frame, Spool
from recording.journal.segment import SegmentName
from recording.publisher import progress
from recording.records import BadRecord, UnsupportedRecord, decrypted

POLL_SECONDS = 0.2
_Ranges = dict[UUID, list[tuple[int, int]]]
MAX_SEGMENTS_READ = 16  # segments of which an estimate reads one entry


class UnreadableSegment(Exception):
    """A segment can't be read, so the numbers in it are unknown."""


@dataclass(frozen=True)
class BacklogEstimate:
    """Approximately how many bytes are not yet rows, and the age of the oldest such record in seconds."""

    waiting_bytes: int
    oldest_seconds: float


def estimate(journal: Path) -> BacklogEstimate:
    """Estimates the backlog from file sizes, the saved progress and a few entries, without Redis or the database.

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
    times = [_first_time(journal, name, offsets.get(str(name), 0)) for name in heads]
    return BacklogEstimate(sum(waiting.values()), age_seconds([time for time in times if time]))


def journal_numbers(journal: Path, origin: UUID | None = None) -> tuple[dict[UUID, NumberSet], dict[UUID, NumberSet]]:
    """The numbers of each origin, or of this one, in the journal: with their records, and in blank frames.

    Raises `UnreadableSegment`.
    """
    ranges: tuple[_Ranges, _Ranges] = {}, {}
    for name, frame in _all_frames(journal, origin):
        ranges[frame.is_blank].setdefault(UUID(name.origin), []).append((frame.first, frame.last))
    held, blank = ({each: NumberSet(found) for each, found in part.items()} for part in ranges)
    return held, blank


def waiting_numbers(journal: Path, origin: UUID | None = None) -> dict[UUID, NumberSet]:
    """The numbers of each origin, or of this one, that the journal still holds. Raises `UnreadableSegment`."""
    return journal_numbers(journal, origin)[0]


def wait_until_settled(journal: Path, seconds: float) -> Iterator[int]:
    """Waits until all that the journal holds now is settled. Yields how many numbers are not, at last those left.

    Raises `UnreadableSegment`.
    """
    waiting, ends_at = waiting_numbers(journal), time.monotonic() + seconds
    while True:
        left = sum(len(numbers - origins.settled(origin)) for origin, numbers in waiting.items())
        yield left
        if not left or time.monotonic() > ends_at:
            return
        time.sleep(POLL_SECONDS)


def age_of_oldest(journal: Path, waiting: Mapping[UUID, NumberSet]) -> float:
    """The age in seconds of the oldest entry with one of these numbers; 0 for none. Raises `UnreadableSegment`."""
    oldest: dict[str, datetime | None] = {}
    for name, frame in frames(journal):
        if name.origin not in oldest and (numbers := waiting.get(UUID(name.origin))):
            first = next((entry for entry in frame.entries if entry.sequence in numbers), None)
            if first is not None:
                oldest[name.origin] = _time_of(first)
    return age_seconds([time for time in oldest.values() if time])


def age_seconds(times: list[datetime]) -> float:
    """The age of the oldest of `times`; 0 for none."""
    return max((datetime.now(UTC) - min(times)).total_seconds(), 0.0) if times else 0.0


def frames(journal: Path, origin: UUID | None = None) -> Iterator[tuple[SegmentName, Frame]]:
    """All frames that are not blank, in order, or those of one origin. Raises `UnreadableSegment`."""
    return ((name, frame) for name, frame in _all_frames(journal, origin) if not frame.is_blank)


def _all_frames(journal: Path, origin: UUID | None) -> Iterator[tuple[SegmentName, Frame]]:
    spool = Spool(journal)
    for name in (each for each in spool.segments() if origin is None or each.origin == origin.hex):
        try:
            with suppress(FileNotFoundError):  # the publisher has just removed it: its numbers are settled
                yield from ((name, frame) for frame in spool.frames(name))
        except OSError as exc:
            raise UnreadableSegment(f"{name} in the journal can't be read ({exc.strerror}).") from exc


def _size(journal: Path, name: SegmentName) -> int:
    try:
        return Spool(journal).written_bytes(name)
    except FileNotFoundError:
        return 0


def _first_time(journal: Path, name: SegmentName, offset: int) -> datetime | None:
    with suppress(FileNotFoundError):
        for frame in Spool(journal).frames(name, offset):
            if not frame.is_blank:
                return _time_of(frame.entries[0])
    return None


def _time_of(entry: Entry) -> datetime | None:
    try:
        source, record = sources.decoded(decrypted(entry.payload))
    except (BadRecord, UnsupportedRecord, UnknownDataKey):
        return None
    time: datetime = getattr(record, source.model.time_field)
    return time
