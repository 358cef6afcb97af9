"""Handles SIGTERM and SIGINT."""

import signal
from threading import Event
from types import FrameType


def stop_on_signals() -> Event:
    """Makes the first SIGTERM or SIGINT set the returned event, which stops a training, and exit with code 0."""
    stopping = Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        # Ctrl-C reaches the whole process group, and the parent process often sends a SIGTERM as well.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopping.set()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopping
