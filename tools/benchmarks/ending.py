"""How a benchmark is ended by hand: all that it started is ended with it."""

import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_on_signals() -> None:
    """From here on a signal unwinds the program, so that every `finally` runs; a second one does not interrupt that."""
    for each in SIGNALS:
        signal.signal(each, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)
