"""One process of the system: a process group leader that ends with the launcher and writes into its pipe."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import IO, cast

from backend.env import ROOT
from common.parent_death import die_with_parent
from tools.launch.lines import LineReader

TAIL_LINES = 20


class Process:
    """A named, running command. Call `reap` when it has ended."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - this program is single-threaded
        )
        self._pipe = cast("IO[bytes]", self._child.stdout)
        self._reader = LineReader(self.output)
        self._started = time.monotonic()

    @property
    def output(self) -> int:
        """The file descriptor of its output, for polling."""
        return self._pipe.fileno()

    @property
    def has_closed_its_output(self) -> bool:
        """Whether there is no more output. The process may still run."""
        return self._reader.at_end

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started

    def lines(self) -> list[str]:
        """Returns the lines that it printed since the last call; never blocks."""
        return self._kept(self._reader.read())

    def has_ended(self) -> bool:
        """Whether it can be reaped. Until then the kernel does not reuse its id, which is also its group's id."""
        return os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def ask_to_stop(self) -> None:
        """Sends SIGTERM to the process only: it stops its own children."""
        os.kill(self._child.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL to its whole process group."""
        os.killpg(self._child.pid, signal.SIGKILL)

    def reap(self) -> tuple[str, list[str]]:
        """Kills its remaining children. Returns how it ended, for example "status 1", and the unread lines."""
        self.kill()
        status = self._child.wait()
        rest = self._kept(self._reader.drain())
        self._pipe.close()
        return signal.Signals(-status).name if status < 0 else f"status {status}", rest

    def _kept(self, lines: list[str]) -> list[str]:
        self.tail.extend(lines)
        return lines
