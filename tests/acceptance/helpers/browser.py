"""A headless Chromium."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NO_CHROMIUM = "no Chromium is installed: apt-get install chromium"


@contextmanager
def chromium(*, runs_first: bool = False) -> Iterator[Browser]:
    """Runs the browser during the block.

    With `runs_first`, root runs it before all other programs: it stands for a user's own machine, so a time that is
    measured in it should not include theirs. Without the right to do so it does.
    """
    with _children_run_first() if runs_first else nullcontext():
        driver = sync_playwright().start()
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    try:
        yield running
        running.close()
    finally:
        driver.stop()


@contextmanager
def _children_run_first() -> Iterator[None]:
    """By a real-time policy, which Chromium leaves alone; it sets its threads' niceness itself."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
