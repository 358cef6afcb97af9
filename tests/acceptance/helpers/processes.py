"""Programs under test: started, read line by line, awaited with a deadline, and ended with all their children."""

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
from tests.support.wait import DEADLINE_SECONDS, until

MARK = "TEST_RUN"


class Program:
    """A running command and its output lines. Its children inherit a mark in their environment."""

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
        """Its output so far."""
        return "\n".join(self.lines)

    def line(self, contains: str, *, seconds: float = DEADLINE_SECONDS) -> str:
        """Waits for a line that contains this text, and returns it."""
        try:
            return until(lambda: next((line for line in self.lines if contains in line), ""), seconds=seconds)
        except AssertionError:
            raise AssertionError(f"no line holds {contains!r}; status {self.process.poll()}:\n{self.text}") from None

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the program itself."""
        self.process.send_signal(number)

    def send_group(self, number: signal.Signals) -> None:
        """Sends a signal to its whole process group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def status(self, *, seconds: float = DEADLINE_SECONDS) -> int:
        """Waits until it has ended and its output was read; returns the exit status."""
        status = self.process.wait(seconds)
        self._reader.join(seconds)
        return status

    def family(self) -> list[psutil.Process]:
        """Returns its running processes, itself included, in any session and with any parent."""
        self._known |= {process for process in psutil.process_iter() if _has_mark(process, self._mark)}
        self._known |= {child for process in self._known for child in _children(process)}
        return [process for process in self._known if _is_alive(process)]

    def end(self) -> None:
        """Kills it and all its children."""
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
    """Runs the program during the block."""
    program = Program(command, environment, cwd=cwd)
    try:
        yield program
    finally:
        program.end()


def bare_environment(**variables: str) -> dict[str, str]:
    """Returns a shell's HOME and PATH, and these variables."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return {**kept, **variables}


def _has_mark(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    # Redis overwrites its environment with its title, so it is found through its parent.
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
