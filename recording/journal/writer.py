"""Appends entries with group commit: one sync serves all waiting appends; a lone append does not wait for others.

A writer has one origin at a time. Sequences start at 1 and follow the order in the file. After a failed write or sync,
the state of the file is unknown: the writer ends the segment and the origin, and writes the unacknowledged entries to a
new origin.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from recording.journal import segment
from recording.journal.segment import SegmentName
from recording.seals import START, Key

USAGE_AGE_SECONDS = 0.25  # how long a measured folder size is reused


class JournalUnwritable(Exception):
    """The journal did not take an entry; no part of it will be read back, unless the disk also fails to truncate."""


class JournalFull(Exception):
    """The journal has reached its size limit, or its disk is full."""


class _Waiting:
    """One append. `turn` is released once it is settled, or once it has to commit for all waiting appends."""

    __slots__ = ("digest", "error", "payload", "sequence", "turn")

    def __init__(self, payload: bytes, digest: bytes) -> None:
        self.payload = payload
        self.digest = digest
        self.sequence = 0
        self.error: BaseException | None = None
        self.turn: threading.Lock | None = None

    @property
    def settled(self) -> bool:
        return bool(self.sequence) or self.error is not None


class Writer:
    """Appends to one origin. Thread-safe; a forked child must not use its parent's writer."""

    def __init__(
        self, folder: Path, *, new_origin: Callable[[], UUID], key: Key, max_bytes: int, segment_bytes: int
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._new_origin = new_origin
        self._key = key
        self._max_bytes = max_bytes
        self._segment_bytes = min(segment_bytes, max(4096, max_bytes // 8))
        self._queue: list[_Waiting] = []
        self._queue_lock = threading.Lock()
        self._is_committing = False
        self._usage = _Usage(at=-math.inf, used=0, free=0)
        self._reserved = 0  # bytes that running calls may still need
        self._open: _Segment | None = None

    def reserve(self, nbytes: int) -> None:
        """Reserves `nbytes` until they are released, on top of this process' other reservations.

        Raises `JournalFull` unless they fit under the size limit and on the disk, or `JournalUnwritable`.
        """
        with self._queue_lock:
            self._require_room(self._reserved + nbytes)
            self._reserved += nbytes

    def release(self, nbytes: int) -> None:
        """Releases a reservation."""
        with self._queue_lock:
            self._reserved -= nbytes

    def _require_room(self, nbytes: int) -> None:
        try:
            usage = self._measured()
        except OSError as exc:
            raise JournalUnwritable(f"the journal's folder can't be read: {exc.strerror}") from exc
        if usage.used + nbytes > self._max_bytes:
            raise JournalFull(f"the journal holds {usage.used} of {self._max_bytes} bytes")
        if usage.free < nbytes:
            raise JournalFull("the disk under the journal is full")

    def append(self, payload: bytes, content: bytes) -> int:
        """Makes `payload` durable, sealed over `content`, and returns its sequence. Raises `JournalUnwritable`.

        If no other thread is committing, this one commits all waiting appends and then wakes each of their threads
        once. It also wakes the first append that arrived meanwhile, which commits next.
        """
        mine = _Waiting(payload, self._key.digest(content))
        with self._queue_lock:
            self._queue.append(mine)
            if self._is_committing:
                mine.turn = threading.Lock()
                mine.turn.acquire()
            self._is_committing = True
        if mine.turn is not None:
            mine.turn.acquire()
        if not mine.settled:
            self._commit_all()
        if mine.error is not None:
            reason = mine.error.strerror if isinstance(mine.error, OSError) else type(mine.error).__name__
            raise JournalUnwritable(f"the journal can't be written: {reason}") from mine.error
        return mine.sequence

    def _commit_all(self) -> None:
        with self._queue_lock:
            group, self._queue = self._queue, []
        try:
            self._commit(group)
        except BaseException as exc:  # a bug here must not leave other threads waiting for ever
            self._end_origin()
            for waiting in group:
                waiting.error = None if waiting.sequence else exc
            raise
        finally:
            with self._queue_lock:
                following = self._queue[:1]
                self._is_committing = bool(following)
            for waiting in (*following, *group):
                if waiting.turn is not None:
                    waiting.turn.release()

    def close(self) -> None:
        """Ends the origin; its segments can then be published and removed.

        In a forked child this closes the child's copy of the descriptor; the parent keeps its lock. It takes no thread
        lock: in a forked child, a lock that another thread held would never be released.
        """
        self._close_segment()

    def _commit(self, group: Sequence[_Waiting]) -> None:
        try:
            self._write(group)
        except OSError:
            self._end_origin()
            try:
                self._write(group)
            except OSError as exc:
                self._end_origin()
                for waiting in group:
                    waiting.error = exc

    def _write(self, group: Sequence[_Waiting]) -> None:
        file = self._segment()
        first, seal, packed = file.next_sequence, file.last_seal, []
        for sequence, waiting in enumerate(group, start=first):
            seal = self._key.seal(seal, file.origin, sequence, waiting.digest)
            packed.append(segment.pack(sequence, waiting.digest, seal, waiting.payload))
        self._usage.used += file.append(b"".join(packed), len(group), seal)
        for sequence, waiting in enumerate(group, start=first):
            waiting.sequence = sequence

    def _segment(self) -> "_Segment":
        if self._open is None:
            name = SegmentName(self._new_origin().hex, self._key.id, 1)
            self._open = _Segment(self._folder, name, max_bytes=self._segment_bytes)
        elif self._open.size >= self._segment_bytes:
            full = self._open
            self._open = _Segment(
                self._folder,
                full.name.following,
                full.next_sequence,
                full.last_seal,
                max_bytes=self._segment_bytes,
            )
            os.close(full.descriptor)  # only now: if the last segment is closed, the publisher ends the origin
        return self._open

    def _close_segment(self) -> None:
        if self._open is not None:
            os.close(self._open.descriptor)
            self._open = None

    def _end_origin(self) -> None:
        if self._open is not None:
            self._open.truncate_unacknowledged()
        self._close_segment()

    def _measured(self) -> "_Usage":
        """The folder's usage by all processes, measured a moment ago, plus what this process wrote since."""
        if time.monotonic() - self._usage.at > USAGE_AGE_SECONDS:
            self._usage = _Usage.measure(self._folder)
        return self._usage


@dataclass(slots=True)
class _Usage:
    at: float  # time.monotonic() seconds
    used: int  # bytes
    free: int  # bytes on the disk

    @classmethod
    def measure(cls, folder: Path) -> "_Usage":
        used = 0
        for item in os.scandir(folder):
            with suppress(FileNotFoundError):  # the publisher has just removed it
                used += item.stat().st_size
        disk = os.statvfs(folder)
        return cls(time.monotonic(), used, disk.f_bavail * disk.f_frsize)


class _Segment:
    """The open file. Raises `OSError` if it can't be created."""

    def __init__(
        self, folder: Path, name: SegmentName, next_sequence: int = 1, last_seal: bytes = START, *, max_bytes: int
    ) -> None:
        self.descriptor = segment.create(folder, name)
        self.name = name
        self.origin = UUID(name.origin)
        self.next_sequence = next_sequence
        self.last_seal = last_seal
        self.size = 0  # bytes that are acknowledged
        self._preallocated = 0  # bytes
        self._filler = segment.FILLER * min(segment.PREALLOCATED_BYTES, max_bytes)

    def append(self, data: bytes, entries: int, seal: bytes) -> int:
        """Writes all of `data`, synced, and returns its size. Raises `OSError`."""
        if self.size + len(data) > self._preallocated:
            self._preallocate()
        view, offset = memoryview(data), self.size
        while view:
            count = os.pwrite(self.descriptor, view, offset)
            view, offset = view[count:], offset + count
        self.size = offset
        self.next_sequence += entries
        self.last_seal = seal
        return len(data)

    def _preallocate(self) -> None:
        """Extends the file. If the disk or a limit does not allow it, later writes extend the file themselves."""
        with suppress(OSError):
            self._preallocated = self.size + os.pwrite(self.descriptor, self._filler, self.size)

    def truncate_unacknowledged(self) -> None:
        """Removes unacknowledged entries; their appends fail or are written again in a new origin."""
        with suppress(OSError):  # if that fails, the record's id prevents a second row
            os.ftruncate(self.descriptor, self.size)
            os.fdatasync(self.descriptor)
