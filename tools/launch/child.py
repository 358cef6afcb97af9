"""Runs one command to its end; a signal to this process, or its death, ends the command too."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from common.parent_death import die_with_parent

STOP_SECONDS = 5
NOT_STARTED = 126  # what a shell says of a command that it can't start


def status_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """The exit status of a command that may print. For programs with one thread, since it runs code after a fork."""
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
        preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509 - one thread, see above
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """If pip is interrupted and given a moment, it restores what it was replacing."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(child.pid, signal.SIGINT)
        child.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
