"""Runs several processes: shows their output, restarts those that end, and stops all of them in order.

One thread polls everything. Each process is supervised from its start, also while others still start.
"""

import math
import select
import time
from collections.abc import Mapping, Sequence

from tools.launch.exceptions import LaunchError, StopRequested
from tools.launch.lines import Screen
from tools.launch.process import Process
from tools.launch.restarts import Part
from tools.launch.signals import Signals

TRIES_TO_START = 3
GRACE_SECONDS = 5.0


class Supervisor:
    """Owns the processes that it started; after `stop` none of them runs."""

    def __init__(self, screen: Screen, signals: Signals) -> None:
        self._screen = screen
        self._signals = signals
        self._parts: dict[str, Part] = {}
        self._alive: dict[str, Process] = {}
        self._results: dict[str, str] = {}
        self._is_settled = False
        self._is_stopping = False

    def say(self, line: str) -> None:
        """Shows a line of the launcher itself."""
        self._show("up", [line])

    def supervise(self, name: str, command: Sequence[str]) -> None:
        """Starts a process and restarts it whenever it ends."""
        self._parts[name] = Part(command)
        self._start(name, command)

    def launch(self, name: str, command: Sequence[str]) -> None:
        """Starts a command that ends by itself. It is not restarted, and nothing waits for it."""
        self._start(name, command)

    def run(self, name: str, command: Sequence[str]) -> list[str]:
        """Runs a command until it ends, and returns its last lines.

        Raises `LaunchError` if it fails, `StopRequested` if a signal arrives first.
        """
        process = self._start(name, command)
        while name in self._alive:
            self._run_once(math.inf)
        if self._results[name] != "status 0":
            raise LaunchError(f"{name} failed ({self._results[name]})", process.tail)
        return list(process.tail)

    def begin(self, name: str, command: Sequence[str]) -> None:
        """Starts a command that ends by itself, and does not wait."""
        self._start(name, command)

    def finish(self, name: str) -> None:
        """Waits until a command has ended. One that failed does not stop the start. Raises `StopRequested`."""
        while name in self._alive:
            self._run_once(math.inf)
        if (how := self._results[name]) != "status 0":
            self.say(f"{name} failed ({how})")

    def tail(self, name: str) -> Sequence[str]:
        """Returns a process's last output lines."""
        return self._alive[name].tail if name in self._alive else ()

    def watch(self) -> None:
        """Restarts processes without a limit of attempts. Raises `StopRequested` when a signal arrives."""
        self._is_settled = True
        while True:
            self._run_once(math.inf)

    def stop(self, stages: Sequence[Mapping[str, float]]) -> None:
        """Stops the stages in order. A stage maps names to grace periods in s. Processes without a stage stop first."""
        self._is_stopping = True
        self._screen.keep([])
        named = {name for stage in stages for name in stage}
        others = {name: GRACE_SECONDS for name in self._alive if name not in named}
        for stage in (others, *stages):
            self._stop({name: seconds for name, seconds in stage.items() if name in self._alive})
        self._screen.flush(seconds=1)

    def _start(self, name: str, command: Sequence[str]) -> Process:
        try:
            process = Process(name, command)
        except OSError as exc:
            raise LaunchError(f"{name} can't be started: {command[0]}: {exc.strerror}") from exc
        self._alive[name] = process
        return process

    def _run_once(self, until: float) -> None:
        """Waits for the next event, at the latest until the monotonic time `until`, and handles it."""
        self._wait(min(until, self._next_start()) - time.monotonic())
        self._signals.clear()
        self._screen.flush()
        for process in list(self._alive.values()):
            self._handle(process)
        if self._is_stopping:
            return
        if self._signals.stop:
            raise StopRequested
        self._start_due()

    def _next_start(self) -> float:
        dues = [math.inf] if self._is_stopping else [part.due for part in self._parts.values()]
        return min(dues, default=math.inf)

    def _wait(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._signals.descriptor, select.POLLIN)
        for process in self._alive.values():
            if not process.has_closed_its_output:
                poll.register(process.output, select.POLLIN)
        if self._screen.is_behind():
            poll.register(self._screen.descriptor, select.POLLOUT)
        poll.poll(None if seconds == math.inf else max(0, math.ceil(seconds * 1000)))

    def _handle(self, process: Process) -> None:
        has_ended = process.has_ended()
        self._show(process.name, process.lines())
        if not has_ended:
            return
        how, rest = process.reap()
        self._show(process.name, rest)
        self._results[process.name] = how
        del self._alive[process.name]
        if process.name in self._parts and not self._is_stopping:
            self._schedule_restart(process.name, process.age, how, process.tail)

    def _schedule_restart(self, name: str, age: float, how: str, tail: Sequence[str] = ()) -> None:
        part = self._parts[name]
        delay = part.record_exit(age)
        if part.failures >= TRIES_TO_START and not self._is_settled:
            raise LaunchError(f"{name} ended {part.failures} times ({how})", tail)
        self.say(f"{name} ended ({how}) and starts again in {delay:g} s")

    def _start_due(self) -> None:
        for name, part in self._parts.items():
            if part.take_due():
                self._start_again(name, part)

    def _start_again(self, name: str, part: Part) -> None:
        try:
            self._start(name, part.command)
        except LaunchError as exc:  # the machine may lack resources for a while
            self._schedule_restart(name, 0, str(exc))

    def _stop(self, graces: Mapping[str, float]) -> None:
        if graces:
            self.say(f"stopping {', '.join(graces)}")
        deadlines = {name: time.monotonic() + seconds for name, seconds in graces.items()}
        for name in deadlines:
            self._alive[name].ask_to_stop()
        while deadlines := {name: deadline for name, deadline in deadlines.items() if name in self._alive}:
            self._run_once(min(deadlines.values()))
            self._kill_overdue(deadlines)

    def _kill_overdue(self, deadlines: dict[str, float]) -> None:
        for name, deadline in deadlines.items():
            is_overdue = deadline <= time.monotonic() or (self._signals.force and deadline < math.inf)
            if is_overdue and name in self._alive:
                self.say(f"{name} is killed: it did not stop in time")
                self._alive[name].kill()
                deadlines[name] = math.inf

    def _show(self, name: str, lines: Sequence[str]) -> None:
        for line in lines:
            self._screen.show(f"{name:<11} | {line}")
