"""Reads a segment: how far it has been read, and which entries to send next."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from common.number_set import NumberSet, between
from recording.journal import Entry, Frame, Spool
from recording.journal.segment import SegmentName

log = logging.getLogger(__name__)

BATCH_RECORDS = 200
BATCH_BYTES = 1024 * 1024
DISK_ERROR_SECONDS = 60.0  # a disk error may pass; one that stays longer counts as damage
LARGE_BYTES = 256 * 1024  # a record with more is a batch of its own


class Located(NamedTuple):
    """An entry of a segment, and the offsets from which it can be read, and from which reading goes on behind it.

    An entry within a frame can only be read with its frame, so both are then the frame's start.
    """

    entry: Entry
    start: int
    end: int

    @property
    def is_large(self) -> bool:
        """Whether it has to be a batch of its own."""
        return len(self.entry.payload) > LARGE_BYTES


@dataclass
class SegmentReader:
    """The state of reading one segment. `settled` are its origin's numbers that were settled before it was found."""

    name: SegmentName
    settled: NumberSet = field(default_factory=NumberSet)
    offset: int = 0  # bytes
    first: int = 0  # sequences read, 0 for none
    last: int = 0
    compared: int = 0  # bytes that `forks.rescue` has looked at
    is_read: bool = False  # to its end, as of the last read
    is_damaged: bool = False
    error_since: float = 0.0  # `time.monotonic` of the first disk error at this offset, 0 for none

    def next_entries(self, spool: Spool) -> list[Located]:
        """The next unconfirmed entries, numbered without a gap, at most one batch; none at the end.

        Skips entries that are already confirmed. Raises `OSError`.
        """
        while chunk := self._read(spool):
            for is_settled, run in groupby(chunk, key=lambda each: each.entry.sequence in self.settled):
                entries = list(run)
                if not is_settled:
                    self.is_read = False
                    return _one_batch(entries)
                self.advance(entries)
        self.is_read = True
        return []

    def advance(self, entries: Sequence[Located]) -> None:
        """Moves behind these entries."""
        self._move(entries[0].entry.sequence, entries[-1].entry.sequence, entries[-1].end)

    def _read(self, spool: Spool) -> list[Located]:
        """Entries numbered without a gap, about one batch. Moves behind damage and blank frames before them."""
        found: list[Located] = []
        try:
            for frame in self.frames(spool):
                if frame.start > (found[-1].end if found else self.offset) or frame.is_blank:
                    if found:
                        break
                    self._skip(frame)
                found += [each for each in _located(frame) if each.entry.sequence > self.last]
                if len(found) >= BATCH_RECORDS or (found and found[-1].end - self.offset >= BATCH_BYTES):
                    break
        except OSError:
            if not found:
                raise
        return found

    def frames(self, spool: Spool) -> Iterator[Frame]:
        """The frames from the offset on. Raises `OSError`, also for a disk error until it counts as damage."""
        is_permanent = bool(self.error_since) and time.monotonic() - self.error_since >= DISK_ERROR_SECONDS
        try:
            yield from spool.frames(self.name, self.offset, skip_errors=is_permanent)
        except OSError:
            self.error_since = self.error_since or time.monotonic()
            raise
        if not is_permanent:
            self.error_since = 0.0  # it has passed; the next one has a minute of its own

    def unsettled(self, spool: Spool, settled: NumberSet) -> NumberSet:
        """The numbers before the offset that are not settled although the segment has their records. Raises `OSError`.

        Blank frames have none: those are erased.
        """
        if not between(self.first, self.last) - settled:
            return NumberSet()
        frames = (each for each in spool.frames(self.name) if each.start < self.offset and not each.is_blank)
        return NumberSet((each.first, each.last) for each in frames) - settled

    def _skip(self, frame: Frame) -> None:
        """Moves behind damage before a frame, and behind the frame if it is blank."""
        if frame.start > self.offset:
            self._report_damage(frame)
            self.offset, self.error_since = frame.start, 0.0
        if frame.is_blank:
            self._move(frame.first, frame.last, frame.end)

    def _move(self, first: int, last: int, offset: int) -> None:
        self.first = self.first or first
        self.last = last
        self.offset, self.error_since = offset, 0.0

    def _report_damage(self, following: Frame) -> None:
        self.is_damaged = True
        start = f"{self.last + 1}-" if self.last or self.name.number == 1 else "up to "
        lost = f"{start}{following.first - 1}"
        log.error(
            "%s is damaged from byte %d to %d: numbers %s are lost", self.name, self.offset, following.start, lost
        )


def _located(frame: Frame) -> Iterator[Located]:
    for entry in frame.entries:
        yield Located(entry, frame.start, frame.end if entry.sequence == frame.last else frame.start)


def _one_batch(entries: Sequence[Located]) -> list[Located]:
    """The first entries, as many as a batch holds, at least one. A large one is alone."""
    batch, nbytes = [entries[0]], len(entries[0].entry.payload)
    for each in entries[1:BATCH_RECORDS]:
        nbytes += len(each.entry.payload)
        if nbytes > BATCH_BYTES or batch[0].is_large or each.is_large:
            break
        batch.append(each)
    return batch
