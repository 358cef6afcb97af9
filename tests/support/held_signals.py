"""Lets a block end before a signal takes effect."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held_signals() -> Iterator[None]:
    """Signals that come during the block take effect at its end; only the main thread gets any.

    They are noted by handlers and not blocked, because a program that is started would inherit a blocked signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    handlers = {each: signal.getsignal(each) for each in SIGNALS}
    caught = [each for each in SIGNALS if handlers[each] not in {signal.SIG_IGN, None}]
    for each in caught:
        signal.signal(each, note)
    try:
        yield
    finally:
        for each in caught:
            signal.signal(each, handlers[each])
        for number in came[:1]:
            signal.raise_signal(number)
