"""What a journal's folder holds: found, read on from where one was, and let go once nobody needs it.

For the one process that holds the folder's lock.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from common.file_locks import is_let_go
from recording.journal import segment
from recording.journal.segment import Entry, SegmentName

LOCK_NAME = "publisher.lock"


class Unlockable(Exception):
    """Another process holds the folder's lock."""


def journal_folder() -> Path:
    """Where every gateway process of this state folder keeps its records."""
    return Path(settings.VAR_DIR) / "journal"


def folder_lock(folder: Path) -> int:
    """Takes the folder's lock and gives its descriptor; closing it lets go. Raises `Unlockable`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / LOCK_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino != path.stat().st_ino:  # locked a file that was removed meanwhile
            raise Unlockable
    except (OSError, Unlockable) as exc:
        os.close(descriptor)
        raise Unlockable from exc
    return descriptor


class Spool:
    """The segments in `folder`, oldest origin first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def segments(self) -> list[SegmentName]:
        """The segments that are there now, in the order in which they were begun; none in a missing folder."""
        if not self._folder.exists():
            return []
        names = (SegmentName.of(path) for path in self._folder.iterdir())
        return sorted(name for name in names if name is not None)

    def is_last(self, name: SegmentName) -> bool:
        """Whether the segment is all that is left of its origin.

        A later one may be gone before an earlier one is, and a still later one be written to.
        """
        return not any(other.origin == name.origin and other != name for other in self.segments())

    def read(self, name: SegmentName, start: int, most_bytes: int) -> Iterator[Entry]:
        """The whole entries from offset `start` on, about `most_bytes` of them."""
        return segment.read(self._folder / str(name), start, most_bytes)

    def written_bytes(self, name: SegmentName) -> int:
        """The size of what was written to a segment. Raises `OSError`."""
        return segment.written_bytes(self._folder / str(name))

    def is_over(self, name: SegmentName) -> bool:
        """Whether nobody will write to the segment again: it was left, or its writer died."""
        return is_let_go(self._folder / str(name))

    def forget(self, name: SegmentName, read_to: int, *, damaged: bool = False) -> bool:
        """Removes a segment that is over, read to offset `read_to` and confirmed. Gives whether it was sound.

        A torn end is nobody's record and goes with the file. One with any other damage, before that offset or behind
        it, is set aside as `.damaged` instead, for a person to look at. Raises `OSError`.
        """
        path = self._folder / str(name)
        sound = not damaged and (segment.written_bytes(path) == read_to or segment.is_torn(path, read_to))
        if sound:
            path.unlink()
        else:
            path.rename(path.with_suffix(".damaged"))
        return sound
