"""The tests' browser, where it can't run."""

import os

import pytest
from playwright.sync_api import Error

from tests.acceptance.helpers import browser


@pytest.mark.skipif(not browser.CHROMIUM, reason=browser.NO_CHROMIUM)
def test_a_browser_that_does_not_start_is_not_in_the_way_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = os.sched_getscheduler(0)
    with monkeypatch.context() as patched:
        patched.setattr(browser, "CHROMIUM", "/nonexistent")
        with pytest.raises(Error, match="executable"), browser.chromium(runs_first=True):
            pass
    with browser.chromium(runs_first=True) as running:
        assert running.is_connected()
        assert os.sched_getscheduler(0) == policy
