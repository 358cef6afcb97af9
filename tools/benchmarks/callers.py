"""Many client connections in one thread, which are replaced when they break."""

import math
import select
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tools.benchmarks.outcome import BROKEN, UNANSWERED, Outcome
from tools.benchmarks.raw_http import Connection, ConnectionBroken

LAST_ANSWER_SECONDS = 10.0  # wait for the last answers


@dataclass(frozen=True)
class Target:
    """A port on loopback, and the bytes of the request."""

    port: int
    request: bytes


class Callers:
    """`count` connections to a target, and the outcome. Raises `ConnectionBroken` if the port refuses connections."""

    def __init__(self, target: Target, count: int) -> None:
        self.outcome = Outcome()
        self.idle = deque(Connection(target.port) for _ in range(count))
        self._target = target
        self._poll = select.epoll()
        self._all = {caller.sock.fileno(): caller for caller in self.idle}
        self._pending: set[int] = set()
        self._idle_since = 0.0  # time.perf_counter() seconds; infinite while all connections are in use
        for descriptor in self._all:
            self._poll.register(descriptor, select.EPOLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._poll.close()
        for caller in self._all.values():
            caller.sock.close()

    def send(self, caller: Connection, counted_from: float) -> None:
        """Sends a request. `counted_from` is the start of its latency, in time.perf_counter() seconds."""
        self._pending.add(caller.sock.fileno())
        with suppress(ConnectionBroken):  # `receive` detects it
            caller.send(self._target.request, counted_from)

    def send_due(self, due: float) -> None:
        """Sends the request that was due at `due`, on an idle connection."""
        caller = self.idle.popleft()
        if due > self._idle_since:  # otherwise it waited for a connection: that is the server's time
            self.outcome.late.append((time.perf_counter() - due) * 1000)
        self.send(caller, due)
        if not self.idle:
            self._idle_since = math.inf

    def receive(self, timeout: float) -> Iterator[Connection]:
        """Yields connections that are free again; waits up to `timeout` s for the first. Raises `ConnectionBroken`."""
        # select first: epoll waits in whole milliseconds, which would count as the server's time.
        select.select([self._poll], [], [], max(0.0, timeout))
        for descriptor, _ in self._poll.poll(0):
            caller = self._all[descriptor]
            try:
                answer = caller.receive()
            except ConnectionBroken:
                yield self._replaced(caller)
                continue
            if answer is not None:
                self._add_answer(caller, answer)
                yield caller

    def wait_for_pending(self) -> None:
        """Waits until each request is answered, up to `LAST_ANSWER_SECONDS`. Raises `ConnectionBroken`."""
        ends_at = time.perf_counter() + LAST_ANSWER_SECONDS
        while self._pending and time.perf_counter() < ends_at:
            for _ in self.receive(ends_at - time.perf_counter()):
                pass
        for descriptor in self._pending:
            self.outcome.add_unanswered((time.perf_counter() - self._all[descriptor].started_at) * 1000, UNANSWERED)

    def _add_answer(self, caller: Connection, answer: bytes) -> None:
        now = time.perf_counter()
        self.outcome.add_answer(answer, (now - caller.started_at) * 1000)
        self._pending.discard(caller.sock.fileno())
        self._idle_since = min(self._idle_since, now)

    def _replaced(self, caller: Connection) -> Connection:
        descriptor = caller.sock.fileno()
        if descriptor in self._pending:
            self.outcome.failed[BROKEN] += 1
            self._pending.discard(descriptor)
        caller.sock.close()
        del self._all[descriptor]
        new = Connection(caller.port)
        self._all[new.sock.fileno()] = new
        self._poll.register(new.sock, select.EPOLLIN)
        return new
