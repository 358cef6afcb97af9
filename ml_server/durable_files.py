"""Writes files so that after a crash they are either complete or absent."""

import os
from pathlib import Path


def write_synced(path: Path, content: bytes) -> None:
    """Writes a new file and syncs it to disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Syncs the folder's entries to disk. Syncing a file alone does not do that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move_synced(old: Path, new: Path) -> None:
    """Renames within one folder and syncs that to disk. Replaces a file, but not a folder that is not empty."""
    os.replace(old, new)
    sync_folder(new.parent)
