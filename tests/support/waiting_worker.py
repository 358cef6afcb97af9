"""`celery -A tests.support.waiting_worker worker`: the worker for the log, with two tasks for tests."""

from pathlib import Path

from celery import shared_task

from tests.support.wait import DEADLINE_SECONDS, until
from worker.logs import app

__all__ = ["TOUCH", "WAIT", "app"]

WAIT, TOUCH = "tests.wait", "tests.touch"


@shared_task(name=WAIT, ignore_result=True)
def wait_for(path: str) -> None:
    """Waits until there is a file."""
    until(Path(path).exists, seconds=10 * DEADLINE_SECONDS)  # the test gives up before


@shared_task(name=TOUCH, ignore_result=True)
def touch(path: str, rest: str = "") -> None:
    """Makes a file. The rest makes the message large."""
    Path(path).touch()
