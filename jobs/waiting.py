"""`Prefer: wait=N` (RFC 7240): a caller waits for the end of a job that it has started, for up to a minute."""

import re
import threading
import time
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.db import Error, connection

from jobs.models import Job

LONGEST_SECONDS = 60
POLL_SECONDS = 0.2
_WAIT = re.compile(r"""wait\s*=\s*"?(\d{1,9})"?""", re.IGNORECASE)


def preferred(prefer: str) -> int:
    """The seconds that a Prefer field asks for, at most `LONGEST_SECONDS`; 0 without a wait."""
    for item in prefer.split(","):
        if found := _WAIT.fullmatch(item.partition(";")[0].strip()):
            return min(int(found[1]), LONGEST_SECONDS)
    return 0


def wait_for_end(job: Job, seconds: float, is_wanted: Callable[[], bool]) -> bool:
    """Waits, and refreshes the job. Returns whether it was waited for.

    Only a part of the gateway's places may wait; beyond, it returns at once: a preference need not be fulfilled.
    """
    places = _places()
    if not places.acquire(blocking=False):
        return False
    try:
        ends_at = time.monotonic() + seconds
        while job.state in Job.ACTIVE and time.monotonic() < ends_at and is_wanted():
            time.sleep(POLL_SECONDS)
            job.refresh_from_db()
    except Error:
        connection.close()  # the job runs all the same, and the caller has its id
    finally:
        places.release()
    return True


@cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(max(settings.GATEWAY_THREADS // 8, 1))
