"""A variant: what answers on a port, the processes behind it, and what it owes its callers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil
import redis

from tests.support.system import System
from tools.benchmarks import load
from tools.benchmarks.callers import Target
from tools.benchmarks.outcome import BROKEN, UNANSWERED, Outcome
from tools.benchmarks.rows import Rows
from tools.benchmarks.wire import Broken, ask_once, status_of

UP_SECONDS = 90.0
SETTLE_SECONDS = 60.0
POLL_SECONDS = 0.01


class NotUp(Exception):
    """It does not answer, or no longer; the text holds what it printed last."""


@dataclass
class Variant:
    """One way to serve the model. `web`, `worker`, `publisher` are processes of `system`; blank where there is none."""

    name: str
    system: System
    target: Target
    rows: Rows | None = None  # of its log
    late_rows: Rows | None = None  # of a second log, which is written by the clock
    web: str = "web"
    worker: str = ""
    publisher: str = ""
    worker_always: bool = False  # whether its worker runs while requests a second are measured
    promise: bool = False  # whether every answer must have its row
    version: str = ""  # of a peer
    answered: int = 0  # for which rows are owed
    served: int = 0  # in all
    untold: int = 0  # requests whose callers had no answer, and which may have a row all the same

    def spawn(self) -> None:
        """Starts all of it, but for a worker that is not to run yet, and waits for nothing."""
        for name in self.system.commands:
            if name != self.worker or self.worker_always:
                self.system.spawn(name)

    def wait(self) -> None:
        """Waits until it answers 2xx. Raises `NotUp`."""
        ends_at = time.monotonic() + UP_SECONDS
        while not self._answers():
            if time.monotonic() > ends_at or self.system.processes[self.web].poll() is not None:
                raise NotUp(f"{self.name} does not answer 2xx; it printed last: {self.last_words()}")
            time.sleep(POLL_SECONDS)
        self._count(1)
        self.settle()

    def start_worker(self) -> None:
        """Starts the worker that did not run so far; what was queued for it is thrown away, and owed no longer."""
        assert self.rows is not None  # noqa: S101 - what has a worker has rows
        with redis.Redis(port=int(self.system.environment["REDIS_PORT"])) as broker:
            broker.flushall()
        self.answered = self.rows.count_all()
        self.rows.settle()
        self.system.spawn(self.worker)

    def closed(self, *, connections: int, seconds: float) -> Outcome:
        """As `load.closed`, and its answers are counted. Raises `NotUp`."""
        return self._counted(lambda: load.closed(self.target, connections=connections, seconds=seconds))

    def steady(self, *, rate: float, seconds: float) -> Outcome:
        """As `load.steady`, and its answers are counted. Raises `NotUp`."""
        return self._counted(lambda: load.steady(self.target, rate=rate, seconds=seconds))

    def owes(self) -> bool:
        """Whether a row shall come for each answer, with the processes that run now."""
        return self.rows is not None and (not self.worker or self.worker in self.system.processes)

    def wait_for_rows(self, count: int) -> bool:
        """Whether there came to be so many rows in time."""
        assert self.rows is not None  # noqa: S101 - asked only of what has a log
        ends_at = time.monotonic() + SETTLE_SECONDS
        while (found := self.rows.count()) < count and time.monotonic() < ends_at:
            time.sleep(POLL_SECONDS)
        return found >= count

    def settle(self) -> None:
        """Waits until there are as many rows as answers, where there shall be, so that no work is left over."""
        if self.rows is not None and self.owes():
            self.wait_for_rows(self.answered)
            self.rows.settle()

    def processes(self, name: str) -> Sequence[psutil.Process]:
        """One of its processes and what that started; none where it does not run."""
        return self.system.family(name) if name in self.system.processes else []

    def last_words(self) -> str:
        """The end of what the web process printed."""
        return " | ".join(self.system.log_of(self.web).strip().splitlines()[-3:])

    def close(self) -> None:
        """Ends all of it."""
        self.system.stop()
        for rows in (self.rows, self.late_rows):
            if rows is not None:
                rows.close()

    def _answers(self) -> bool:
        try:
            return 200 <= status_of(ask_once(self.target.port, self.target.request)) < 300
        except Broken:
            return False

    def _counted(self, ask: Callable[[], Outcome]) -> Outcome:
        try:
            outcome = ask()
        except Broken as exc:
            raise NotUp(f"{self.name}: {exc}; it printed last: {self.last_words()}") from exc
        self._count(outcome.answered)
        self.untold += outcome.failed[BROKEN] + outcome.failed[UNANSWERED]
        return outcome

    def _count(self, answered: int) -> None:
        self.answered += answered
        self.served += answered
