"""Runs the whole system in the foreground: `python -m tools.launch`, until Ctrl-C, SIGTERM or SIGHUP."""

# ruff: noqa: E402 - a Ctrl-C while modules load ends this process at once; without this, with a traceback
import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from backend.env import BadSetting, unusable
from common.parent_death import die_with_parent
from tools.launch import system
from tools.launch.exceptions import LaunchError, StopRequested
from tools.launch.lines import Screen
from tools.launch.signals import Signals
from tools.launch.supervisor import Supervisor
from tools.llm import endpoint


def main() -> int:
    """Returns the exit status: 0 if it was stopped after the start, 128 + signal number if before, 1 on failure."""
    screen, signals = Screen(), Signals()
    supervisor = Supervisor(screen, signals)
    try:
        with _claim(settings.VAR_DIR):
            return _run(supervisor, screen, signals)
    except (BadSetting, LaunchError) as exc:
        print(f"ml-proxy: {exc}", file=sys.stderr)
        return 1


def _run(supervisor: Supervisor, screen: Screen, signals: Signals) -> int:
    is_up = False
    try:
        system.check()
        _find_model(supervisor)
        hints = system.bring_up(supervisor)
        screen.show(system.ready_line())
        screen.keep(system.summary(hints))
        is_up = True
        supervisor.watch()
    except StopRequested:
        return 0 if is_up else 128 + (signals.stop or 0)
    finally:
        supervisor.stop(system.stop_stages())
    return 1


def _find_model(supervisor: Supervisor) -> None:
    """Connects the system to the model that `make llm` serves, unless LLM_BASE_URL names another."""
    found = None if settings.LLM_BASE_URL else endpoint.adopt(settings.VAR_DIR, os.environ)
    if found:
        supervisor.say(f"questions in SQL are answered by the local model {found.model}")


@contextmanager
def _claim(folder: Path) -> Iterator[None]:
    """Holds a lock so that no second system uses the same files. Raises `BadSetting` if another holds it."""
    path = folder / "launch.lock"
    try:
        lock = path.open("w")
    except OSError as exc:  # another user made it
        raise unusable("VAR_DIR", path, exc) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wrong = f"can't be {str(folder)!r}, another `make up` runs there"
            raise BadSetting("VAR_DIR", wrong, "stop that one or set another VAR_DIR") from None
        yield


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.launch", description=__doc__)
    parser.add_argument("--end-with-parent", action="store_true", help="stop when the parent process ends")
    return parser.parse_args()


if __name__ == "__main__":
    if _arguments().end_with_parent:
        die_with_parent(signum=signal.SIGTERM)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    sys.exit(main())
