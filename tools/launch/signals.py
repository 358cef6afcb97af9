"""Signals as a file descriptor that becomes readable, and the stop requests that arrived."""

import os
import signal
import time
from contextlib import suppress
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SAME_KEYSTROKE_SECONDS = 0.5


class Signals:
    """Installs handlers that record stop requests. SIGCHLD only wakes up the poll."""

    def __init__(self) -> None:
        self.descriptor, writer = os.pipe()
        for end in (self.descriptor, writer):
            os.set_blocking(end, False)
        self.stop: signal.Signals | None = None
        self.force = False
        self._since = 0.0
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _wake)
        for number in STOPPING:
            self._take(number)

    def clear(self) -> None:
        """Empties the descriptor."""
        with suppress(BlockingIOError):
            os.read(self.descriptor, 4096)

    def _take(self, number: signal.Signals) -> None:
        # Under nohup, SIGHUP is ignored and must not stop the system.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, self._note)

    def _note(self, number: int, _: FrameType | None) -> None:
        # make forwards a SIGTERM that the child already got through its group, so only a second Ctrl-C forces the stop.
        if self.stop is None:
            self.stop, self._since = signal.Signals(number), time.monotonic()
        elif number == signal.SIGINT and time.monotonic() - self._since > SAME_KEYSTROKE_SECONDS:
            self.force = True


def _wake(_number: int, _frame: FrameType | None) -> None:
    """Does nothing: Python writes a signal to the wakeup descriptor only if a handler is installed."""
