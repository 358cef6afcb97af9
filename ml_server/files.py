"""Files that are either all there or not there at all, whatever happens to the machine meanwhile."""

import os
from pathlib import Path


def write_synced(path: Path, content: bytes) -> None:
    """Writes a new file through to the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes the folder's entries durable: a file's own sync does not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move_synced(old: Path, new: Path) -> None:
    """Renames within one folder, durably. A file that is there is replaced, a folder that holds something is not."""
    os.replace(old, new)
    sync_folder(new.parent)
