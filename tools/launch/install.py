"""Installs what a command needs: `python3 -m tools.launch.install base|dev`, with any Python this project runs on.

Done in no time where the lock is installed already. Standard library alone: nothing else is there yet.
"""

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from common.parent_death import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"
LOCKS = {"base": ("base.txt",), "dev": ("base.txt", "dev.txt")}
PIP = ("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes")
# There from before anything is installed until all is: what a kill left half done is not to be built upon.
UNFINISHED = VENV / "unfinished"
ENV_FILE = "# Settings for your own machine; .env.example lists all. DEBUG opens the API: not for a server.\nDEBUG=1\n"
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PIP_STOP_SECONDS = 5


def install(kind: str) -> None:
    """Brings `.venv` to the state of the lock. Raises `SystemExit` where that fails or a signal comes."""
    with _alone():
        if not _is_whole():
            _say("making .venv")
            _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        if not all(_is_installed(each) for each in _included(kind)):
            _install(kind)


def make_env_file() -> None:
    """Writes a first `.env`, without which Django's commands would ask for a server's settings."""
    with suppress(FileExistsError), open(ROOT / ".env", "x", opener=_private) as file:
        file.write(ENV_FILE)


def _install(kind: str) -> None:
    files = [str(REQUIREMENTS / name) for name in LOCKS[kind]]
    count = sum(line[:1].isalnum() for line in Path(files[-1]).read_text().splitlines())
    _say(f"installing {count} packages into .venv, about a minute")
    UNFINISHED.touch()
    _run([str(PYTHON), *PIP, *(word for file in files for word in ("-r", file))])
    for each in _included(kind):
        _stamp(each).write_text(_digest(each))
    UNFINISHED.unlink()


def _included(kind: str) -> list[str]:
    return [each for each in LOCKS if set(LOCKS[each]) <= set(LOCKS[kind])]


def _is_whole() -> bool:
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    return subprocess.run([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def _is_installed(kind: str) -> bool:
    return _stamp(kind).exists() and _stamp(kind).read_text() == _digest(kind)


def _stamp(kind: str) -> Path:
    return VENV / f"installed-{kind}"


def _digest(kind: str) -> str:
    return hashlib.sha256(b"".join((REQUIREMENTS / name).read_bytes() for name in LOCKS[kind])).hexdigest()


@contextmanager
def _alone() -> Iterator[None]:
    """One installation at a time: whoever comes second waits, and finds it done."""
    folder = os.open(REQUIREMENTS, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say("waiting for another installation to end")
        fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(folder)


def _run(command: Sequence[str]) -> None:
    parent = os.getpid()
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509 - this program has one thread
    )
    try:
        if status := child.wait():
            sys.exit(f"ml-proxy: {' '.join(command[:4])} … failed with status {status}; what it printed stands above")
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Pip puts back what it was replacing where it is interrupted and given a moment."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(child.pid, signal.SIGINT)
        child.wait(PIP_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _say(line: str) -> None:
    print(line, flush=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _stop(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    for stopping in STOPPING:
        signal.signal(stopping, _stop)
    make_env_file()
    install(sys.argv[1])
