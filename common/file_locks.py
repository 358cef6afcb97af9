"""Locks that end with the process that holds them, whichever way it ends."""

import fcntl
import os
from pathlib import Path


def is_let_go(path: Path) -> bool:
    """Whether nobody holds the file's exclusive `flock` any more. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
