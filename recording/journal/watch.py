"""Waits until something is written to a folder's segments, without looking at them again and again.

On Linux the kernel tells (inotify, through the C library): writers do nothing for it and know nothing of it. On another
system, or where the kernel has no watch left to give, a wait ends after `POLL_SECONDS` at the latest and says that
there may be news.

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
IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED_TO = 0x2, 0x8, 0x80  # written to; left by its writer, who may have died; begun
IN_UNMOUNT, IN_Q_OVERFLOW, IN_IGNORED = 0x2000, 0x4000, 0x8000  # the kernel's own, without a name
_WANTED = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO
_NEWS_WITHOUT_NAME = IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, the length of the name that follows


class Watch:
    """News of the segments in `folder`; `interrupt` is a descriptor that ends each wait too.

    Whatever is written between two waits ends the second one at once, so nothing is missed. Not safe for threads.
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
            said = exc.strerror if isinstance(exc, OSError) else "no inotify on this system"
            log.warning("the journal's folder can't be watched (%s): it is read every %g s instead", said, POLL_SECONDS)
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
        """Waits for news, `seconds` at most, and returns whether there is any; without inotify, whether there may be.

        The news that came so far is dropped, so many writes end one wait.
        """
        if self._descriptor < 0:
            return not self._poll.poll(_milliseconds(min(seconds, POLL_SECONDS)))
        ends_at = time.monotonic() + seconds
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll(_milliseconds(ends_at - time.monotonic()))}
            has_news = self._descriptor in ready and self.clear()
            if has_news or ready != {self._descriptor}:
                return has_news

    def clear(self) -> bool:
        """Drops the news that came so far, and returns whether there was any. Never waits."""
        found = False
        while self._descriptor >= 0:
            try:
                raw = os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                break
            found = any(_is_news(mask, name) for mask, name in _events(raw)) or found
        return found

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
        _checked(libc.inotify_add_watch(descriptor, os.fsencode(folder), ctypes.c_uint32(_WANTED)))
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


def _is_news(mask: int, name: bytes) -> bool:
    """The publisher's own notes lie in the same folder and must not wake it."""
    return bool(mask & _NEWS_WITHOUT_NAME) or name.endswith(SUFFIX.encode())


def _milliseconds(seconds: float) -> int:
    return max(math.ceil(seconds * 1000), 0)
