"""Ends a tool on a signal, with all processes that it started."""

import signal
import sys
from types import FrameType

from tests.support.held_signals import SIGNALS


def exit_on_signals() -> None:
    """Makes signals raise `SystemExit`, so that every `finally` runs. Further signals are ignored.

    A tool that was started with `nohup` goes on without its terminal.
    """
    for each in SIGNALS:
        if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)
