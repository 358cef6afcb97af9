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
        driver = sync_playwright().start()  # the browser's parent
    try:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()
    finally:
        driver.stop()


@contextmanager
def _children_run_first() -> Iterator[None]:
    """By a real-time policy, which Chromium leaves alone; it sets its threads' niceness itself."""
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, parameter)
