"""A request to stop that a signal handler can make, and that ends a wait."""

import os
import select
from contextlib import suppress


class StopRequest:
    """Made once, and never taken back.

    `threading.Event` will not do: its lock may be held by the very thread that the signal handler interrupts.
    """

    def __init__(self) -> None:
        self.descriptor, self._writer = os.pipe()  # readable once a stop is asked for
        os.set_blocking(self._writer, False)
        self._poll = select.poll()
        self._poll.register(self.descriptor, select.POLLIN)

    def make(self) -> None:
        """Asks for the stop."""
        with suppress(BlockingIOError):  # the pipe is full, so it was asked for before
            os.write(self._writer, b".")

    @property
    def is_made(self) -> bool:
        """Whether a stop was asked for."""
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Waits until a stop is asked for, `seconds` at most, and returns whether it is."""
        return bool(self._poll.poll(seconds * 1000))

    def close(self) -> None:
        """Closes both ends of the pipe."""
        for descriptor in (self.descriptor, self._writer):
            os.close(descriptor)
