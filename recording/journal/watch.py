"""Waits until something is written to a folder's segments, without polling.

On Linux it uses inotify, through the C library, so writers need no code for it. On other systems, or if the kernel has
no watch left, a wait ends after at most `POLL_SECONDS` and reports that there may be changes.

https://man7.org/linux/man-pages/man7/inotify.7.html
"""

import ctypes
import logging
import math
import os
import select
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from recording.journal.segment import SUFFIX

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
READ_BYTES = 64 * 1024
# sys/inotify.h
IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED_TO = 0x2, 0x8, 0x80  # written; closed, also by a writer's death; created
IN_UNMOUNT, IN_Q_OVERFLOW, IN_IGNORED = 0x2000, 0x4000, 0x8000  # sent by the kernel, without a file name
_WATCHED = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO
_CHANGES_WITHOUT_NAME = IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, the length of the name that follows


class Watch:
    """Watches the segments in `folder` for changes; a readable `interrupt` descriptor ends a wait too.

    A change between two waits ends the second one at once, so no change is missed. Not thread-safe.
    Raises `FileNotFoundError` if there is no such folder.
    """

    def __init__(self, folder: Path, interrupt: int | None = None) -> None:
        self._poll = select.poll()
        if interrupt is not None:
            self._poll.register(interrupt, select.POLLIN)
        try:
            self._descriptor = _watch(folder)
        except FileNotFoundError:
            raise
        except (OSError, AttributeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "no inotify on this system"
            log.warning(
                "the journal's folder can't be watched (%s): it is read every %g s instead", reason, POLL_SECONDS
            )
            self._descriptor = -1
        else:
            self._poll.register(self._descriptor, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait(self, seconds: float) -> bool:
        """Waits for a change, at most `seconds`. Returns whether there was one; without inotify, whether there may be.

        Clears all pending changes, so many writes end only one wait.
        """
        if self._descriptor < 0:
            return not self._poll.poll(_milliseconds(min(seconds, POLL_SECONDS)))
        ends_at = time.monotonic() + seconds
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll(_milliseconds(ends_at - time.monotonic()))}
            has_changed = self._descriptor in ready and self.clear()
            if has_changed or ready != {self._descriptor}:
                return has_changed

    def clear(self) -> bool:
        """Clears all pending changes. Returns whether there were any. Never waits."""
        has_changed = False
        while self._descriptor >= 0:
            try:
                raw = os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                break
            has_changed = any(_is_change(mask, name) for mask, name in _events(raw)) or has_changed
        return has_changed

    def close(self) -> None:
        """Ends the watch."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _watch(folder: Path) -> int:
    """An inotify descriptor that watches the folder. Raises `OSError`; `AttributeError` without inotify."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = _checked(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    try:
        _checked(libc.inotify_add_watch(descriptor, os.fsencode(folder), ctypes.c_uint32(_WATCHED)))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _events(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Each event's mask and name."""
    offset = 0
    while offset < len(raw):
        _, mask, _, length = _EVENT.unpack_from(raw, offset)
        offset += _EVENT.size
        yield mask, raw[offset : offset + length].rstrip(b"\0")
        offset += length


def _is_change(mask: int, name: bytes) -> bool:
    """Ignores other files: the publisher writes its own into the same folder, and these must not wake it."""
    return bool(mask & _CHANGES_WITHOUT_NAME) or name.endswith(SUFFIX.encode())


def _milliseconds(seconds: float) -> int:
    return max(math.ceil(seconds * 1000), 0)
