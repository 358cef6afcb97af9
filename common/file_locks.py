"""File locks that the kernel releases when their process ends, even if it crashes."""

import fcntl
import os
from pathlib import Path


def is_released(path: Path) -> bool:
    """Whether no process holds the file's exclusive `flock`. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
