"""Whether a publisher is alive and working, as any process that sees the journal's folder can tell.

The publisher holds the lock of the folder, and touches the lock's file at each turn of its loop. Nobody else touches
that file: the lock tells that a publisher is alive, the file's age that it is not stuck.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from common.file_locks import is_let_go
from recording.journal.spool import LOCK_NAME

SILENT_SECONDS = 30.0  # longer than a turn takes, its longest pause and SQLite's wait for a lock included


class NoPublisher(Exception):
    """No publisher is alive and working in this folder; the text says what is known."""


def beat(lock: int) -> None:
    """Touches the lock's file through its descriptor. A disk that refuses must not keep records from leaving."""
    with suppress(OSError):
        os.utime(lock)


def check(folder: Path) -> None:
    """Raises `NoPublisher`, or `OSError`."""
    path = folder / LOCK_NAME
    try:
        age = time.time() - path.stat().st_mtime
        is_free = is_let_go(path)
    except FileNotFoundError:
        raise NoPublisher("No publisher has run here yet.") from None
    if is_free:
        raise NoPublisher("No publisher runs: records wait in the journal until one is started.")
    if age > SILENT_SECONDS:
        raise NoPublisher(f"The publisher has not gone on for {age:.0f} s.")
