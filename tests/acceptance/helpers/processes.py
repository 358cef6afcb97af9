"""Programs to test: started, read line by line, awaited with a deadline, and ended with all that they started."""

import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.support.system import ROOT
from tests.support.waiting import DEADLINE_SECONDS, until

MARK = "TEST_RUN"


class Program:
    """A command that runs, and every line that it printed so far. All it starts carries its mark."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], *, cwd: Path = ROOT) -> None:
        self.lines: list[str] = []
        self._mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**environment, MARK: self._mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._known = {psutil.Process(self.process.pid)}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """What it printed so far."""
        return "\n".join(self.lines)

    def line(self, holds: str, *, seconds: float = DEADLINE_SECONDS) -> str:
        """The first line that holds this text, once it is there."""
        try:
            return until(lambda: next((line for line in self.lines if holds in line), ""), seconds=seconds)
        except AssertionError:
            raise AssertionError(f"no line holds {holds!r}; status {self.process.poll()}:\n{self.text}") from None

    def send(self, number: signal.Signals) -> None:
        """A signal to the program itself."""
        self.process.send_signal(number)

    def send_group(self, number: signal.Signals) -> None:
        """A signal to its whole group, as a terminal sends it."""
        os.killpg(self.process.pid, number)

    def status(self, *, seconds: float = DEADLINE_SECONDS) -> int:
        """Its exit status, once it has ended and all that it printed was read."""
        status = self.process.wait(seconds)
        self._reader.join(seconds)
        return status

    def family(self) -> list[psutil.Process]:
        """The living processes that it started, itself included, whichever session or parent they have by now."""
        self._known |= {process for process in psutil.process_iter() if _carries(process, self._mark)}
        self._known |= {child for process in self._known for child in _children(process)}
        return [process for process in self._known if _lives(process)]

    def end(self) -> None:
        """Ends it and whatever it left."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        self._reader.join()
        if self.process.stdout:
            self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], *, cwd: Path = ROOT) -> Iterator[Program]:
    """The program, for the length of a block."""
    program = Program(command, environment, cwd=cwd)
    try:
        yield program
    finally:
        program.end()


def bare_environment(**variables: str) -> dict[str, str]:
    """What a shell has, and of this project's settings these alone."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return {**kept, **variables}


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    # Redis writes its title over its environment: it is known by its parent, for as long as it has that.
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
