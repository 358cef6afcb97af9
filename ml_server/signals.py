"""What SIGTERM and SIGINT do."""

import signal
from threading import Event
from types import FrameType


def stop_on_signals() -> Event:
    """Makes the first SIGTERM or SIGINT end the process with exit code 0. The event is set then, to end a training."""
    stopping = Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        # A terminal's Ctrl-C reaches the whole group and is often followed by a SIGTERM from whoever started it.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopping.set()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopping
