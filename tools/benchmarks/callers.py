"""Many connections, driven by one thread: asking, waiting for answers, replacing what breaks."""

import math
import select
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tools.benchmarks.outcome import BROKEN, UNANSWERED, Outcome
from tools.benchmarks.wire import Broken, Connection

PATIENCE_SECONDS = 10.0  # for the last answers


@dataclass(frozen=True)
class Target:
    """Where to ask, and the bytes of the request."""

    port: int
    request: bytes


class Callers:
    """`count` connections to a target, and the outcome of all that they ask. Raises `Broken`: nobody listens."""

    def __init__(self, target: Target, count: int) -> None:
        self.outcome = Outcome()
        self.idle = deque(Connection(target.port) for _ in range(count))
        self._target = target
        self._poll = select.epoll()
        self._all = {caller.sock.fileno(): caller for caller in self.idle}
        self._asking: set[int] = set()
        self._idle_since = 0.0  # time.perf_counter() seconds; infinite while all are asking
        for descriptor in self._all:
            self._poll.register(descriptor, select.EPOLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._poll.close()
        for caller in self._all.values():
            caller.sock.close()

    def ask(self, caller: Connection, counted_from: float) -> None:
        """Sends a request whose time is counted from a moment of time.perf_counter()."""
        self._asking.add(caller.sock.fileno())
        with suppress(Broken):  # as `answered` will find
            caller.ask(self._target.request, counted_from)

    def ask_by_the_clock(self, due: float) -> None:
        """Sends what was due at a moment, on an idle connection."""
        caller = self.idle.popleft()
        if due > self._idle_since:  # else it had to wait for a connection: that is the server's time
            self.outcome.late.append((time.perf_counter() - due) * 1000)
        self.ask(caller, due)
        if not self.idle:
            self._idle_since = math.inf

    def answered(self, patience: float) -> Iterator[Connection]:
        """Those that are free again, waiting for up to `patience` seconds for the first. Raises `Broken`."""
        # select first: epoll waits in whole milliseconds, which would count as the server's.
        select.select([self._poll], [], [], max(0.0, patience))
        for descriptor, _ in self._poll.poll(0):
            caller = self._all[descriptor]
            try:
                answer = caller.take()
            except Broken:
                yield self._replaced(caller)
                continue
            if answer is not None:
                self._note(caller, answer)
                yield caller

    def wait_for_the_last(self) -> None:
        """Until each has its answer, or patience ends. Raises `Broken`."""
        ends_at = time.perf_counter() + PATIENCE_SECONDS
        while self._asking and time.perf_counter() < ends_at:
            for _ in self.answered(ends_at - time.perf_counter()):
                pass
        for descriptor in self._asking:
            self.outcome.miss((time.perf_counter() - self._all[descriptor].asked_at) * 1000, UNANSWERED)

    def _note(self, caller: Connection, answer: bytes) -> None:
        now = time.perf_counter()
        self.outcome.note(answer, (now - caller.asked_at) * 1000)
        self._asking.discard(caller.sock.fileno())
        self._idle_since = min(self._idle_since, now)

    def _replaced(self, caller: Connection) -> Connection:
        descriptor = caller.sock.fileno()
        if descriptor in self._asking:
            self.outcome.failed[BROKEN] += 1
            self._asking.discard(descriptor)
        caller.sock.close()
        del self._all[descriptor]
        new = Connection(caller.port)
        self._all[new.sock.fileno()] = new
        self._poll.register(new.sock, select.EPOLLIN)
        return new
