"""Tells whether this process was asked to stop: then its event streams end, and their listeners connect again.

granian installs its own handlers once the application is loaded, and then waits for every response. Python writes the
number of each signal that has a handler to the wakeup descriptor, whoever installed the handler.
"""

import os
import select
import signal


class StopSignal:
    """Set by the first signal with a handler; it can't be cleared. Make it in the main thread, once per process."""

    def __init__(self) -> None:
        self._reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def is_set(self) -> bool:
        """Whether such a signal has arrived. Thread-safe."""
        poll = select.poll()  # one for each call: two threads can't share one
        poll.register(self._reader, select.POLLIN)
        return bool(poll.poll(0))
