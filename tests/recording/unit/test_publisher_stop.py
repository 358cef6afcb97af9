"""A stop request ends any wait, also if a signal handler sets it."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from recording.publisher import StopRequest

LONG = 20.0  # seconds; no test waits that long


@pytest.fixture
def stop() -> Iterator[StopRequest]:
    made = StopRequest()
    yield made
    made.close()


def test_a_signal_handler_ends_a_wait(stop: StopRequest) -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: stop.set())
    try:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        began = time.monotonic()
        assert stop.wait(LONG)
        assert time.monotonic() - began < LONG
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_it_is_not_set_at_first_and_stays_set(stop: StopRequest) -> None:
    assert not stop.wait(0.01)
    stop.set()
    assert stop.wait(LONG)
    assert stop.is_set


def test_it_can_be_set_many_times(stop: StopRequest) -> None:
    for _ in range(100_000):  # more than a pipe holds
        stop.set()
    assert stop.is_set
