"""A stop request that a signal handler can set, and that ends a wait."""

import os
import select
from contextlib import suppress


class StopRequest:
    """Like `threading.Event`, but safe in a signal handler; it can't be cleared.

    `threading.Event` can deadlock: the interrupted thread may hold its lock.
    """

    def __init__(self) -> None:
        self.descriptor, self._writer = os.pipe()  # readable once the stop is requested
        os.set_blocking(self._writer, False)
        self._poll = select.poll()
        self._poll.register(self.descriptor, select.POLLIN)

    def set(self) -> None:
        """Requests the stop."""
        with suppress(BlockingIOError):  # the pipe is full, so the stop is already requested
            os.write(self._writer, b".")

    @property
    def is_set(self) -> bool:
        """Whether the stop is requested."""
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Waits for the stop, at most `seconds`. Returns whether it is requested."""
        return bool(self._poll.poll(seconds * 1000))

    def close(self) -> None:
        """Closes both ends of the pipe."""
        for descriptor in (self.descriptor, self._writer):
            os.close(descriptor)
