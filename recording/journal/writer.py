"""Appends entries with group commit: one sync serves all appends that wait for the disk.

A writer has one origin at a time. Sequences start at 1 and follow the order in the file. After a failed write or sync,
the state of the file is unknown: the writer ends the segment and the origin, and writes the unacknowledged entries to a
new origin.

A thread of the writer's own does all writing. So an append can wait with a deadline for a disk that hangs, and nothing
that happens to a waiting thread, such as an interrupt, holds up the others.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from uuid import UUID

from recording.journal import segment
from recording.journal.segment import Entry, SegmentName
from recording.journal.spool import used_bytes
from recording.seals import START, Key

USAGE_AGE_SECONDS = 0.25  # how long a measured folder size is reused
WRITE_SECONDS = 5.0  # how long a write may take before the disk counts as hanging
MAX_GROUP_BYTES = 4 * 1024 * 1024  # of payloads in one frame; a single payload may be larger


class JournalUnwritable(Exception):
    """The journal did not take an entry; no part of it will be read back, unless the disk also fails to truncate."""


class JournalStalled(Exception):
    """The disk does not answer. It is unknown whether it takes the entry later."""


class JournalFull(Exception):
    """The journal has reached its size limit, or its disk is full."""


class _Append:
    """One append. `done` is released once `sequence` or `error` is set."""

    __slots__ = ("digest", "done", "error", "is_abandoned", "payload", "sequence")

    def __init__(self, payload: bytes, digest: bytes) -> None:
        self.payload = payload
        self.digest = digest
        self.sequence = 0
        self.error: BaseException | None = None
        self.is_abandoned = False
        self.done = threading.Lock()
        self.done.acquire()


class Writer:
    """Appends to one origin. Thread-safe; a forked child must not use its parent's writer, which has no thread there.

    The thread starts with the first append, and ends with `close`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        new_origin: Callable[[], UUID],
        key: Key,
        max_bytes: int,
        segment_bytes: int,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._new_origin = new_origin
        self._key = key
        self._max_bytes = max_bytes
        self._segment_bytes = min(segment_bytes, max(4096, max_bytes // 8))
        self._write_seconds = write_seconds
        self._queue: SimpleQueue[_Append | None] = SimpleQueue()  # None ends the thread
        self._writing_since = math.inf  # time.monotonic() seconds
        self._lock = threading.Lock()
        self._usage = _Usage(at=-math.inf, used=0, free=0)
        self._reserved = 0  # bytes that running calls may still need
        self._open: _Segment | None = None
        self._process = os.getpid()
        self._thread: threading.Thread | None = None

    def reserve(self, nbytes: int) -> None:
        """Reserves `nbytes` until they are released, on top of this process' other reservations.

        Raises `JournalFull` unless they fit under the size limit and on the disk, `JournalStalled` or
        `JournalUnwritable`.
        """
        self._require_answering()
        with self._lock:
            self._require_room(self._reserved + nbytes)
            self._reserved += nbytes

    def release(self, nbytes: int) -> None:
        """Releases a reservation."""
        with self._lock:
            self._reserved -= nbytes

    def append(self, payload: bytes, content: bytes) -> int:
        """Makes `payload` durable, sealed over `content`, and returns its sequence.

        Raises `JournalUnwritable`, or `JournalStalled` after `write_seconds`.
        """
        self._require_answering()
        mine = _Append(payload, self._key.digest(content))
        if self._thread is None:
            self._start_thread()
        self._queue.put(mine)
        if not mine.done.acquire(timeout=self._write_seconds):
            mine.is_abandoned = True  # it is not written unless the disk hangs in the middle of it
            raise JournalStalled(f"the journal's disk has not answered for {self._write_seconds:g} s")
        if mine.sequence:
            return mine.sequence
        reason = mine.error.strerror if isinstance(mine.error, OSError) else type(mine.error).__name__
        raise JournalUnwritable(f"the journal can't be written: {reason}") from mine.error

    def close(self) -> None:
        """Ends the origin; its segments can then be published and removed. The next append begins a new one.

        In a forked child this closes the child's copy of the descriptor; the parent keeps its lock.
        """
        if os.getpid() != self._process:
            self._close_segment()
        elif self._thread is not None:
            self._queue.put(None)
            self._thread.join(self._write_seconds)
            self._thread = None

    def _start_thread(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
                self._thread.start()

    def _require_answering(self) -> None:
        if time.monotonic() - self._writing_since > self._write_seconds:
            raise JournalStalled("the journal's disk does not answer")

    def _require_room(self, nbytes: int) -> None:
        try:
            usage = self._measured()
        except OSError as exc:
            raise JournalUnwritable(f"the journal's folder can't be read: {exc.strerror}") from exc
        if usage.used + nbytes > self._max_bytes:
            raise JournalFull(f"the journal holds {usage.used} of {self._max_bytes} bytes")
        if usage.free < nbytes:
            raise JournalFull("the disk under the journal is full")

    def _measured(self) -> "_Usage":
        """The folder's usage by all processes, measured a moment ago, plus what this process wrote since."""
        if time.monotonic() - self._usage.at > USAGE_AGE_SECONDS:
            self._usage = _Usage.measure(self._folder)
        return self._usage

    def _run(self) -> None:
        while group := self._take():
            self._commit(group)
        self._close_segment()

    def _take(self) -> list[_Append]:
        """Waits for an append, and takes it with all others that wait by then; empty once the writer is closed."""
        first = self._queue.get()
        if first is None:
            return []
        group, nbytes = [first], len(first.payload)
        with suppress(Empty):
            while nbytes < MAX_GROUP_BYTES:
                following = self._queue.get_nowait()
                if following is None:
                    self._queue.put(None)  # for the next call
                    break
                group.append(following)
                nbytes += len(following.payload)
        return group

    def _commit(self, group: Sequence[_Append]) -> None:
        """Writes a group, after a disk error once more in a new origin, and wakes its threads whatever happens."""
        error: BaseException | None = None
        self._writing_since = time.monotonic()
        for _ in range(2):
            try:
                self._write([each for each in group if not each.is_abandoned])
                break
            except BaseException as exc:  # noqa: BLE001 - the thread must go on, and each append must end
                error = exc
                self._end_origin()
                if not isinstance(exc, OSError):
                    break
        self._writing_since = math.inf
        for each in group:
            each.error = error
            each.done.release()

    def _write(self, group: Sequence[_Append]) -> None:
        if not group:
            return
        file = self._segment()
        first, seal, entries = file.next_sequence, file.last_seal, []
        for sequence, each in enumerate(group, start=first):
            seal = self._key.seal(seal, file.origin, sequence, each.digest)
            entries.append(Entry(sequence, each.digest, seal, each.payload))
        self._usage.used += file.append(segment.pack(file.name, entries), len(group), seal)
        for sequence, each in enumerate(group, start=first):
            each.sequence = sequence

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
            full.close()  # only now: if the last segment is closed, the publisher ends the origin
        return self._open

    def _close_segment(self) -> None:
        if self._open is not None:
            closing, self._open = self._open, None
            closing.close()

    def _end_origin(self) -> None:
        if self._open is not None:
            self._open.truncate_unacknowledged()
        self._close_segment()


@dataclass(slots=True)
class _Usage:
    at: float  # time.monotonic() seconds
    used: int  # bytes
    free: int  # bytes on the disk

    @classmethod
    def measure(cls, folder: Path) -> "_Usage":
        disk = os.statvfs(folder)
        return cls(time.monotonic(), used_bytes(folder), disk.f_bavail * disk.f_frsize)


class _Segment:
    """The open file. Raises `OSError` if it can't be created."""

    def __init__(
        self, folder: Path, name: SegmentName, next_sequence: int = 1, last_seal: bytes = START, *, max_bytes: int
    ) -> None:
        self._descriptor = segment.create(folder, name)
        self.name = name
        self.origin = UUID(name.origin)
        self.next_sequence = next_sequence
        self.last_seal = last_seal
        self.size = 0  # bytes that are acknowledged
        self._preallocated = 0  # bytes
        self._filler = segment.FILLER * min(segment.PREALLOCATED_BYTES, max_bytes)

    def append(self, frame: bytes, entries: int, seal: bytes) -> int:
        """Writes the whole frame, synced, and returns its size. Raises `OSError`."""
        if self.size + len(frame) > self._preallocated:
            self._preallocate()
        self.size = segment.write_at(self._descriptor, frame, self.size)
        self.next_sequence += entries
        self.last_seal = seal
        return len(frame)

    def close(self) -> None:
        """Closes the file. An error has no consequence: all that was acknowledged is synced."""
        with suppress(OSError):
            os.close(self._descriptor)

    def truncate_unacknowledged(self) -> None:
        """Removes unacknowledged entries; their appends fail or are written again in a new origin."""
        with suppress(OSError):  # if that fails, the record's id prevents a second row
            os.ftruncate(self._descriptor, self.size)
            os.fdatasync(self._descriptor)

    def _preallocate(self) -> None:
        """Extends the file. If the disk or a limit does not allow it, later writes extend the file themselves."""
        with suppress(OSError):
            self._preallocated = self.size + os.pwrite(self._descriptor, self._filler, self.size)
