"""A request to stop ends whatever wait it finds, also when a signal handler makes it."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from recording.publisher import StopRequest

LONG = 20.0  # seconds that no test waits for


@pytest.fixture
def stop() -> Iterator[StopRequest]:
    made = StopRequest()
    yield made
    made.close()


def test_a_signal_handler_ends_a_wait(stop: StopRequest) -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: stop.make())
    try:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        began = time.monotonic()
        assert stop.wait(LONG)
        assert time.monotonic() - began < LONG
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_it_is_not_made_by_itself_and_never_taken_back(stop: StopRequest) -> None:
    assert not stop.wait(0.01)
    stop.make()
    assert stop.wait(LONG)
    assert stop.is_made


def test_it_can_be_made_again_and_again(stop: StopRequest) -> None:
    for _ in range(100_000):  # more than a pipe holds
        stop.make()
    assert stop.is_made
