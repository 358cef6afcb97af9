"""The segments of a journal's folder: lists them, reads them, and removes them once they are confirmed.

Only the process that holds the folder's lock may remove segments.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from django.conf import settings

from common.file_locks import is_released
from recording.journal import segment
from recording.journal.segment import Entry, Frame, SegmentName

LOCK_NAME = "publisher.lock"
BACKUP_LOCK_NAME = "backup.lock"


class FolderLocked(Exception):
    """Another process holds the folder's lock."""


def journal_folder() -> Path:
    """Where every gateway process of this state folder keeps its records."""
    return Path(settings.VAR_DIR) / "journal"


def folder_lock(folder: Path) -> int:
    """Takes the folder's lock. Returns its descriptor; closing it releases the lock. Raises `FolderLocked`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / LOCK_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino != path.stat().st_ino:  # the locked file was removed meanwhile
            raise FolderLocked
    except (OSError, FolderLocked) as exc:
        os.close(descriptor)
        raise FolderLocked from exc
    return descriptor


def used_bytes(folder: Path) -> int:
    """The size of all files in the journal's folder, by whichever process. Raises `OSError`."""
    used = 0
    for item in os.scandir(folder):
        with suppress(FileNotFoundError):  # the publisher has just removed it
            used += item.stat().st_size
    return used


class Spool:
    """The segments in `folder`, oldest origin first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def segments(self) -> list[SegmentName]:
        """The current segments, in the order in which they were created; none in a missing folder."""
        if not self._folder.exists():
            return []
        names = (SegmentName.of(path) for path in self._folder.iterdir())
        return sorted(name for name in names if name is not None)

    def is_held(self) -> bool:
        """Whether a backup runs: no segment may leave the folder until it has been copied. See `scripts/backup`."""
        try:
            return not is_released(self._folder / BACKUP_LOCK_NAME)
        except FileNotFoundError:
            return False

    def is_last(self, name: SegmentName) -> bool:
        """Whether the segment is the only one left of its origin.

        Its number does not show that: later segments may be removed earlier, while a still later one is open.
        """
        return not any(other.origin == name.origin and other != name for other in self.segments())

    def frames(
        self, name: SegmentName, start: int = 0, max_bytes: int = segment.ALL, *, skip_errors: bool = True
    ) -> Iterator[Frame]:
        """The whole frames from offset `start` on: see `segment.frames`. Raises `OSError`."""
        return segment.frames(self._folder / str(name), start, max_bytes, skip_errors=skip_errors)

    def entries(self, name: SegmentName) -> Iterator[Entry]:
        """All whole entries. Raises `OSError`."""
        return chain.from_iterable(frame.entries for frame in self.frames(name))

    def written_bytes(self, name: SegmentName) -> int:
        """The size of a segment's written part. Raises `OSError`."""
        return segment.written_bytes(self._folder / str(name))

    def is_closed(self, name: SegmentName) -> bool:
        """Whether nobody will write to the segment again: its writer closed it or has exited."""
        return is_released(self._folder / str(name))

    def remove(self, name: SegmentName, read_to: int, *, damaged: bool = False) -> bool:
        """Removes a closed segment that was read to offset `read_to` and confirmed. Returns whether it was intact.

        A torn end holds no acknowledged record and is removed with the file. A segment with any other damage, before
        or after that offset, is renamed to `.damaged` instead, for an operator to examine. Raises `OSError`.
        """
        path = self._folder / str(name)
        is_intact = not damaged and (segment.is_unwritten(path, read_to) or segment.is_torn(path, read_to))
        if is_intact:
            path.unlink()
        else:
            path.rename(path.with_suffix(".damaged"))
        return is_intact
