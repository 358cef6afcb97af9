"""A closed loop that asks as fast as it is answered, and an open loop that asks by the clock.

The open loop counts each answer's time from the moment at which its request was to be sent, whether or not a connection
was free then: a stall is not forgiven to the requests that had to wait behind it.
"""

import gc
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tools.benchmarks.callers import Callers, Target
from tools.benchmarks.outcome import UNSENT, Outcome

MAX_CONNECTIONS = 64  # of an open loop
MOST_BEHIND_SECONDS = 2.0  # that an open loop goes on sending what it could not send in time


def closed(target: Target, *, connections: int, seconds: float) -> Outcome:
    """`connections` callers, each of which asks again as soon as it is answered. Raises `Broken`."""
    with _undisturbed(), Callers(target, connections) as callers:
        started = time.perf_counter()
        while callers.idle:
            callers.ask(callers.idle.popleft(), time.perf_counter())
        while (left := started + seconds - time.perf_counter()) > 0:
            for caller in callers.answered(left):
                callers.ask(caller, time.perf_counter())
        callers.outcome.end(time.perf_counter() - started)
        callers.wait_for_the_last()
    return callers.outcome


def steady(target: Target, *, rate: float, seconds: float) -> Outcome:
    """One request every 1/`rate` seconds. Raises `Broken`."""
    with _undisturbed(), Callers(target, MAX_CONNECTIONS) as callers:
        clock = Clock(rate=rate, seconds=seconds, started=time.perf_counter())
        while clock.left and time.perf_counter() < clock.gives_up_at:
            while callers.idle and clock.is_due(time.perf_counter()):
                callers.ask_by_the_clock(clock.take())
            patience = clock.next - time.perf_counter() if callers.idle else MOST_BEHIND_SECONDS
            callers.idle.extend(callers.answered(patience if clock.left else 0.0))
        callers.outcome.end(max(seconds, time.perf_counter() - clock.started))
        while clock.left:
            callers.outcome.miss((time.perf_counter() - clock.take()) * 1000, UNSENT)
        callers.wait_for_the_last()
    return callers.outcome


class Clock:
    """When requests are due, in time.perf_counter() seconds."""

    def __init__(self, *, rate: float, seconds: float, started: float) -> None:
        self.started = started
        self.gives_up_at = started + seconds + MOST_BEHIND_SECONDS
        self.left = max(1, math.floor(rate * seconds))
        self._rate = rate
        self._taken = 0

    @property
    def next(self) -> float:
        """When the next one is to be sent."""
        return self.started + self._taken / self._rate

    def is_due(self, now: float) -> bool:
        """Whether one is to be sent now."""
        return self.left > 0 and self.next <= now

    def take(self) -> float:
        """When the one was due that is sent now."""
        due = self.next
        self._taken += 1
        self.left -= 1
        return due


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without a garbage collection, whose pause would count as the server's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
