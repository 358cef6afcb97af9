"""One process of the system: the leader of a group, tied to us, writing into a pipe that we read."""

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
    """A command under a name. Alive from its making until `bury`."""

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
            preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - this program has one thread
        )
        self._pipe = cast("IO[bytes]", self._child.stdout)
        self._reader = LineReader(self.output)
        self._started = time.monotonic()

    @property
    def output(self) -> int:
        """The descriptor to wait on for what it prints."""
        return self._pipe.fileno()

    @property
    def has_closed_its_output(self) -> bool:
        """Whether nothing more can come; it may still run."""
        return self._reader.at_end

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started

    def lines(self) -> list[str]:
        """The lines it printed since the last call; never waits."""
        return self._kept(self._reader.read())

    def has_ended(self) -> bool:
        """Whether it can be buried. Until then its id, which is its group's too, goes to no other process."""
        return os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def ask_to_stop(self) -> None:
        """SIGTERM to itself alone: it looks after its own children."""
        os.kill(self._child.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to it and to all that it started."""
        os.killpg(self._child.pid, signal.SIGKILL)

    def bury(self) -> tuple[str, list[str]]:
        """Ends what it left behind; how it ended, for example "status 1", and the lines not yet taken."""
        self.kill()
        status = self._child.wait()
        rest = self._kept(self._reader.drain())
        self._pipe.close()
        return signal.Signals(-status).name if status < 0 else f"status {status}", rest

    def _kept(self, lines: list[str]) -> list[str]:
        self.tail.extend(lines)
        return lines
