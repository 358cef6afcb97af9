"""Load generators: a closed loop that sends as fast as it is answered, and an open loop with a fixed rate.

The open loop counts each latency from the intended send time, whether or not a connection was free then. So a stall
also counts for the requests that had to wait behind it (no coordinated omission).
"""

import gc
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tools.benchmarks.callers import Callers, Target
from tools.benchmarks.outcome import UNSENT, Outcome

MAX_CONNECTIONS = 64  # of an open loop
MAX_BACKLOG_SECONDS = 2.0  # how long an open loop goes on to send late requests


def closed_loop(target: Target, *, connections: int, seconds: float) -> Outcome:
    """Runs `connections` callers; each sends again as soon as it is answered. Raises `ConnectionBroken`."""
    with _without_garbage_collection(), Callers(target, connections) as callers:
        started = time.perf_counter()
        while callers.idle:
            callers.send(callers.idle.popleft(), time.perf_counter())
        while (left := started + seconds - time.perf_counter()) > 0:
            for caller in callers.receive(left):
                callers.send(caller, time.perf_counter())
        callers.outcome.end(time.perf_counter() - started)
        callers.wait_for_pending()
    return callers.outcome


def open_loop(target: Target, *, rate: float, seconds: float) -> Outcome:
    """Sends one request every 1/`rate` seconds. Raises `ConnectionBroken`."""
    with _without_garbage_collection(), Callers(target, MAX_CONNECTIONS) as callers:
        schedule = Schedule(rate=rate, seconds=seconds, started=time.perf_counter())
        while schedule.left and time.perf_counter() < schedule.gives_up_at:
            while callers.idle and schedule.is_due(time.perf_counter()):
                callers.send_due(schedule.take())
            timeout = schedule.next - time.perf_counter() if callers.idle else MAX_BACKLOG_SECONDS
            callers.idle.extend(callers.receive(timeout if schedule.left else 0.0))
        callers.outcome.end(max(seconds, time.perf_counter() - schedule.started))
        while schedule.left:
            callers.outcome.add_unanswered((time.perf_counter() - schedule.take()) * 1000, UNSENT)
        callers.wait_for_pending()
    return callers.outcome


class Schedule:
    """The send times of requests, in time.perf_counter() seconds."""

    def __init__(self, *, rate: float, seconds: float, started: float) -> None:
        self.started = started
        self.gives_up_at = started + seconds + MAX_BACKLOG_SECONDS
        self.left = max(1, math.floor(rate * seconds))
        self._rate = rate
        self._taken = 0

    @property
    def next(self) -> float:
        """The send time of the next request."""
        return self.started + self._taken / self._rate

    def is_due(self, now: float) -> bool:
        """Whether a request is due now."""
        return self.left > 0 and self.next <= now

    def take(self) -> float:
        """Takes the next request; returns its send time."""
        due = self.next
        self._taken += 1
        self.left -= 1
        return due


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Disables garbage collection, whose pauses would count as the server's time."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
