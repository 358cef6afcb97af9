"""Checks whether a publisher is alive and making progress, from any process that can read the journal's folder.

The publisher holds the folder's lock and touches the lock file in each iteration of its loop. No other process touches
that file. So a held lock means that a publisher is alive, and a recent modification time that it is not stuck.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from common.file_locks import is_released
from recording.journal.spool import LOCK_NAME

SILENT_SECONDS = 30.0  # longer than any iteration, including the longest pause and SQLite's wait for a lock


class NoPublisher(Exception):
    """No working publisher serves this folder; the text says why."""


def beat(lock: int) -> None:
    """Touches the lock file through its descriptor. A disk error here must not stop publishing."""
    with suppress(OSError):
        os.utime(lock)


def check(folder: Path) -> None:
    """Raises `NoPublisher` unless a publisher is alive and not stuck. Raises `OSError` if the lock can't be read."""
    path = folder / LOCK_NAME
    try:
        age = time.time() - path.stat().st_mtime
        is_free = is_released(path)
    except FileNotFoundError:
        raise NoPublisher("No publisher has run here yet.") from None
    if is_free:
        raise NoPublisher("No publisher runs: records stay in the journal until one is started.")
    if age > SILENT_SECONDS:
        raise NoPublisher(f"The publisher has made no progress for {age:.0f} s.")
