"""A variant: a server on a port, its processes, and the rows that it must write."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil
import redis

from tests.support.system import System
from tools.benchmarks import load
from tools.benchmarks.callers import Target
from tools.benchmarks.outcome import BROKEN, UNANSWERED, Outcome
from tools.benchmarks.raw_http import ConnectionBroken, request_once, status_of
from tools.benchmarks.row_counter import RowCounter

UP_SECONDS = 90.0
SETTLE_SECONDS = 60.0
POLL_SECONDS, LONGEST_PAUSE_SECONDS = 0.01, 0.25


class NotReady(Exception):
    """A variant does not answer; the text contains its last output."""


@dataclass
class Variant:
    """One way to serve the model. `web`, `worker`, `publisher` name processes of `system`; empty if there is none."""

    name: str
    system: System
    target: Target
    rows: RowCounter | None = None  # of its log
    late_rows: RowCounter | None = None  # of a second log, which is written at intervals
    web: str = "web"
    worker: str = ""
    publisher: str = ""
    worker_always: bool = False  # whether its worker runs during the closed loop
    must_record_all: bool = False  # whether every answer must have its row
    version: str = ""  # of a peer
    answered: int = 0  # answers that must have rows
    served: int = 0  # all answers
    unanswered: int = 0  # requests without an answer, which may still have a row

    def spawn(self) -> None:
        """Starts all processes, except a worker that must not run yet. Does not wait."""
        for name in self.system.commands:
            if name != self.worker or self.worker_always:
                self.system.spawn(name)

    def wait(self) -> None:
        """Waits until it answers 2xx. Raises `NotReady`."""
        ends_at = time.monotonic() + UP_SECONDS
        while not self._answers():
            if time.monotonic() > ends_at or self.system.processes[self.web].poll() is not None:
                raise NotReady(f"{self.name} does not answer 2xx; its last output: {self.last_output()}")
            time.sleep(POLL_SECONDS)
        self._count(1)
        self.settle()

    def start_worker(self) -> None:
        """Starts a worker that did not run so far. Discards its queue, whose rows are not expected any more."""
        assert self.rows is not None  # noqa: S101 - variants with a worker have rows
        with redis.Redis(port=int(self.system.environment["REDIS_PORT"])) as broker:
            broker.flushall()
        self.answered = self.rows.count_all()
        self.rows.settle()
        self.system.spawn(self.worker)

    def closed_loop(self, *, connections: int, seconds: float) -> Outcome:
        """Runs `load.closed_loop` and counts the answers. Raises `NotReady`."""
        return self._counted(lambda: load.closed_loop(self.target, connections=connections, seconds=seconds))

    def open_loop(self, *, rate: float, seconds: float) -> Outcome:
        """Runs `load.open_loop` and counts the answers. Raises `NotReady`."""
        return self._counted(lambda: load.open_loop(self.target, rate=rate, seconds=seconds))

    def expects_rows(self) -> bool:
        """Whether the running processes must write a row for each answer."""
        return self.rows is not None and (not self.worker or self.worker in self.system.processes)

    def wait_for_rows(self, count: int) -> bool:
        """Waits until there are `count` rows; returns False after `SETTLE_SECONDS`.

        Counting many new rows takes PostgreSQL's time, which would be measured too. So it counts after half of the time
        that the missing rows should take at the rate of the last pause.
        """
        assert self.rows is not None  # noqa: S101 - only called for variants with a log
        found, now = self.rows.count(), time.monotonic()
        ends_at, pause = now + SETTLE_SECONDS, POLL_SECONDS
        while found < count and now < ends_at:
            time.sleep(pause)
            before, then = found, now
            found, now = self.rows.count(), time.monotonic()
            expected = (count - found) * (now - then) / (found - before) if found > before else 0.0
            pause = min(max(POLL_SECONDS, expected / 2), LONGEST_PAUSE_SECONDS)
        return found >= count

    def settle(self) -> None:
        """Waits until there are as many rows as answers, if rows are expected, so that no work is left."""
        if self.rows is not None and self.expects_rows():
            self.wait_for_rows(self.answered)
            self.rows.settle()

    def processes(self, name: str) -> Sequence[psutil.Process]:
        """Returns a process and its descendants; empty if it does not run."""
        return self.system.family(name) if name in self.system.processes else []

    def last_output(self) -> str:
        """Returns the last output lines of the web process."""
        return " | ".join(self.system.log_of(self.web).strip().splitlines()[-3:])

    def close(self) -> None:
        """Stops all processes."""
        self.system.stop()
        for rows in (self.rows, self.late_rows):
            if rows is not None:
                rows.close()

    def _answers(self) -> bool:
        try:
            return 200 <= status_of(request_once(self.target.port, self.target.request)) < 300
        except ConnectionBroken:
            return False

    def _counted(self, send_load: Callable[[], Outcome]) -> Outcome:
        try:
            outcome = send_load()
        except ConnectionBroken as exc:
            raise NotReady(f"{self.name}: {exc}; its last output: {self.last_output()}") from exc
        self._count(outcome.answered)
        self.unanswered += outcome.failed[BROKEN] + outcome.failed[UNANSWERED]
        return outcome

    def _count(self, answered: int) -> None:
        self.answered += answered
        self.served += answered
