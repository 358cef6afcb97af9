"""The time that a worker, or beat, has to stop."""

import faulthandler
from functools import cache

from django.conf import settings

STDERR = 2  # the file's descriptor: Celery replaces `sys.stderr`


@cache  # so that a second signal does not extend it
def end_in_time() -> None:
    """Ends this process after `WORKER_STOP_SECONDS`, if it has not ended by itself, and prints where it waits.

    A thread of the interpreter does it: it needs no lock of Python, and so may be started in a signal's handler.
    """
    faulthandler.dump_traceback_later(settings.WORKER_STOP_SECONDS, exit=True, file=STDERR)
