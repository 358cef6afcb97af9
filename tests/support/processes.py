"""What tests and campaigns do to processes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil


@contextmanager
def frozen(processes: Iterable[psutil.Process]) -> Iterator[None]:
    """Suspends processes, in order, for the duration of the block; ignores those that end meanwhile."""
    stopped = list(processes)
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in reversed(stopped):
            with suppress(psutil.NoSuchProcess):
                process.resume()
