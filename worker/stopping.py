"""The time that a worker, or beat, has to stop."""

import faulthandler
import signal
from functools import cache, partial
from types import FrameType
from typing import Any

from django.conf import settings

STDERR = 2  # the file's descriptor: Celery replaces `sys.stderr`


@cache  # so that a second signal does not extend it
def end_in_time() -> None:
    """Ends this process after `WORKER_STOP_SECONDS`, if it has not ended by itself, and prints where it waits.

    A thread of the interpreter does it: it needs no lock of Python, and so may be started in a signal's handler.
    """
    faulthandler.dump_traceback_later(settings.WORKER_STOP_SECONDS, exit=True, file=STDERR)


def when_asked() -> None:
    """Adds `end_in_time` to beat's handlers of signals. Celery has no event for a beat that is asked to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, signal.getsignal(number)))


def _stop(handler: Any, number: int, frame: FrameType | None) -> None:
    end_in_time()
    handler(number, frame)
