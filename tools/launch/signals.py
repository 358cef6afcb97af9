"""Signals as something to wait for: a descriptor that becomes readable, and a list of what came."""

import os
import signal
import time
from contextlib import suppress
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SAME_KEYSTROKE_SECONDS = 0.5


class Signals:
    """Notes requests to stop from here on; an ended child only wakes up whoever waits."""

    def __init__(self) -> None:
        self.descriptor, writer = os.pipe()
        for end in (self.descriptor, writer):
            os.set_blocking(end, False)
        self.stop: signal.Signals | None = None
        self.hurry = False
        self._since = 0.0
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _wake)
        for number in STOPPING:
            self._take(number)

    def clear(self) -> None:
        """Makes the descriptor wait again."""
        with suppress(BlockingIOError):
            os.read(self.descriptor, 4096)

    def _take(self, number: signal.Signals) -> None:
        # Under nohup a closed terminal is no request to stop.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, self._note)

    def _note(self, number: int, _: FrameType | None) -> None:
        # make hands SIGTERM on to a child that had it from its group already: only a key means haste.
        if self.stop is None:
            self.stop, self._since = signal.Signals(number), time.monotonic()
        elif number == signal.SIGINT and time.monotonic() - self._since > SAME_KEYSTROKE_SECONDS:
            self.hurry = True


def _wake(_number: int, _frame: FrameType | None) -> None:
    """Python hands a signal to the descriptor only where it has a handler."""
