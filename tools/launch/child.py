"""Runs one command until it ends. A signal to this process, or its exit, ends the command too."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from common.parent_death import die_with_parent

STOP_SECONDS = 5
NOT_STARTED = 126  # the exit status of a shell for a command that it can't start


def status_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Returns the command's exit status; does not capture its output. Only for single-threaded programs: it forks."""
    try:
        child = _started(command, environment)
    except OSError as error:
        print(f"ml-proxy: {error}", flush=True)
        return NOT_STARTED
    try:
        return child.wait()
    finally:
        _end(child)


def _started(command: Sequence[str], environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    parent = os.getpid()
    return subprocess.Popen(
        command,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509 - single-threaded, see above
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """Interrupts first, then kills: an interrupted pip restores the files that it was replacing."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(child.pid, signal.SIGINT)
        child.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
