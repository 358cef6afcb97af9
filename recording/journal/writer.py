"""Appends entries with group commit: one sync serves all that wait for it; alone, an append waits for nobody.

A writer is one origin: one life of one process. Sequences start at 1 and are given in file order. After a write or sync
that failed, the state of that file is unknown: the segment and the origin end, and what was not yet acknowledged moves
to a new one.
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

USAGE_AGE_SECONDS = 0.25  # how old the folder's measured size may be


class JournalUnwritable(Exception):
    """The journal did not take an entry; nothing of it will be read back, as far as the disk still obeys."""


class JournalFull(Exception):
    """No room for another entry is left under the journal's cap."""


class _Waiting:
    """One append. `turn` is let go once it is settled, or once it is its turn to commit for all who wait."""

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
    """One origin's appender. Safe for threads; a forked child must not use its parent's."""

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
        self._held = 0  # bytes that calls under way may still need
        self._open: _Segment | None = None

    def hold(self, nbytes: int) -> None:
        """Holds room for `nbytes` more until they are let go, against this process' other calls too.

        Raises `JournalFull` unless they fit under the cap and on the disk, or `JournalUnwritable`.
        """
        with self._queue_lock:
            self._require_room(self._held + nbytes)
            self._held += nbytes

    def let_go(self, nbytes: int) -> None:
        """Gives back what was held."""
        with self._queue_lock:
            self._held -= nbytes

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
        """Makes `payload` durable, sealed over `content`, and gives its sequence. Raises `JournalUnwritable`.

        Whoever finds nobody committing commits for all who wait, and then wakes each of them once: settled, but for the
        first of those who came meanwhile, who is the next to commit.
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
            said = mine.error.strerror if isinstance(mine.error, OSError) else type(mine.error).__name__
            raise JournalUnwritable(f"the journal can't be written: {said}") from mine.error
        return mine.sequence

    def _commit_all(self) -> None:
        with self._queue_lock:
            group, self._queue = self._queue, []
        try:
            self._commit(group)
        except BaseException as exc:  # a fault of ours: nobody may wait for ever because of it
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
        """Ends the origin; its segments are free to be published and forgotten.

        In a forked child it lets go of the parent's file, which stays locked by the parent. Takes no lock: in a child
        another thread's lock would never be given back.
        """
        self._leave_segment()

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
            self._open = _Segment(self._folder, name, most_bytes=self._segment_bytes)
        elif self._open.size >= self._segment_bytes:
            full = self._open
            self._open = _Segment(
                self._folder,
                full.name.following,
                full.next_sequence,
                full.last_seal,
                most_bytes=self._segment_bytes,
            )
            os.close(full.descriptor)  # only now: a last segment that is over means that its origin is over
        return self._open

    def _leave_segment(self) -> None:
        if self._open is not None:
            os.close(self._open.descriptor)
            self._open = None

    def _end_origin(self) -> None:
        if self._open is not None:
            self._open.cut_unacknowledged()
        self._leave_segment()

    def _measured(self) -> "_Usage":
        """The folder's usage, other processes' included, as it was a moment ago plus what this one wrote since."""
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
            with suppress(FileNotFoundError):  # the publisher forgot it in this very moment
                used += item.stat().st_size
        disk = os.statvfs(folder)
        return cls(time.monotonic(), used, disk.f_bavail * disk.f_frsize)


class _Segment:
    """The file that is being written. Raises `OSError` where it can't be made."""

    def __init__(
        self, folder: Path, name: SegmentName, next_sequence: int = 1, last_seal: bytes = START, *, most_bytes: int
    ) -> None:
        self.descriptor = segment.create(folder, name)
        self.name = name
        self.origin = UUID(name.origin)
        self.next_sequence = next_sequence
        self.last_seal = last_seal
        self.size = 0  # bytes that are acknowledged
        self._laid_out = 0  # bytes
        self._filler = segment.FILLER * min(segment.LAID_OUT_BYTES, most_bytes)

    def append(self, data: bytes, entries: int, seal: bytes) -> int:
        """Writes all of `data`, synced, and gives its size. Raises `OSError`."""
        if self.size + len(data) > self._laid_out:
            self._lay_out()
        view, offset = memoryview(data), self.size
        while view:
            count = os.pwrite(self.descriptor, view, offset)
            view, offset = view[count:], offset + count
        self.size = offset
        self.next_sequence += entries
        self.last_seal = seal
        return len(data)

    def _lay_out(self) -> None:
        """Where it can't be done, because of the disk's or the file's bounds, what is written lengthens the file."""
        with suppress(OSError):
            self._laid_out = self.size + os.pwrite(self.descriptor, self._filler, self.size)

    def cut_unacknowledged(self) -> None:
        """Takes back what was written and not acknowledged; its callers were told that it failed, or try again."""
        with suppress(OSError):  # if the disk no longer obeys, the ids keep a second copy from becoming a second row
            os.ftruncate(self.descriptor, self.size)
            os.fdatasync(self.descriptor)
