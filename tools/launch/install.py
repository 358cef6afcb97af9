"""Installs the locked packages: `python3 -m tools.launch.install base|dev`, with any Python that this project supports.

Returns at once if they are installed already. It uses only the standard library, because nothing else is installed yet.
uv installs the packages; pip does if uv is not available.
"""

import fcntl
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tools.launch import uv
from tools.launch.child import status_of

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"
LOCKS = {"base": ("base.txt",), "dev": ("base.txt", "dev.txt"), "uv": ("uv.txt",)}
QUIET = () if sys.stderr.isatty() else ("--quiet",)  # on a terminal, pip and uv show their progress
PIP = ("-m", "pip", "install", *QUIET, "--no-input", "--disable-pip-version-check", "--require-hashes")
# Exists while an installation runs. If it was killed half-way, the next installation starts with a new `.venv`.
UNFINISHED = VENV / "unfinished"
# The path at which .venv was created. Its scripts contain that path in their first line and fail at another path.
MADE_AT = VENV / "made-at"
ACTIVATED = re.compile(r"""^\s*(?:export )?VIRTUAL_ENV=(?P<quote>["']?)(?P<path>/.*?)(?P=quote)\s*$""", re.MULTILINE)
ENV_FILE = "# Settings for your own machine; .env.example lists all. DEBUG opens the API: not for a server.\nDEBUG=1\n"
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def install(kind: str) -> None:
    """Installs the locked packages into `.venv`. Raises `SystemExit` on failure or on a signal."""
    with _install_lock():
        if reason := _reason_to_make():
            _say(reason)
            _make_venv()
        if not all(_is_installed(each) for each in _included(kind)):
            _install("dev" if _stamp("dev").exists() else kind)  # keeps the developer tools if they are installed


def make_env_file() -> None:
    """Creates `.env` if it is missing. Without it, Django's commands require the settings of a server."""
    try:
        with open(ROOT / ".env", "x", opener=_private) as file:
            file.write(ENV_FILE)
    except FileExistsError:
        pass
    except OSError as exc:
        sys.exit(f"ml-proxy: {ROOT} can't be used ({exc.strerror}): work in a folder that this user may write to")


def _install(kind: str) -> None:
    files = [str(REQUIREMENTS / name) for name in LOCKS[kind]]
    began = time.monotonic()
    UNFINISHED.touch()
    if not (_has_uv() and _sync(files)):
        _say(f"installing up to {_count(files)} packages with pip, which takes a minute or more")
        _run([str(PYTHON), *PIP, *(word for file in files for word in ("-r", file))])
    for each in _included(kind):
        _stamp(each).write_text(_digest(each))
    UNFINISHED.unlink()
    _say(f"installed in {time.monotonic() - began:.0f} s; .venv has {_installed_count()} packages")


def _has_uv() -> bool:
    """Installs uv if it is missing; returns whether it is there. Wheels only: building it needs a Rust compiler."""
    if _is_installed("uv"):
        return True
    _say("installing uv into .venv")
    lock = str(REQUIREMENTS / LOCKS["uv"][0])
    if status := status_of([str(PYTHON), *PIP, "--no-deps", "--only-binary", ":all:", "-r", lock]):
        _say(f"uv can't be installed here: pip failed with status {status}")
        return False
    _stamp("uv").write_text(_digest("uv"))
    return True


def _sync(files: Sequence[str]) -> bool:
    """Runs `uv pip sync`, which also removes packages that left the lock files, except pip and uv."""
    _say(f"installing up to {_count(files)} packages with uv")
    command, environment = uv.prepared("pip", "sync", *QUIET, "--require-hashes", "--python", str(PYTHON), *files)
    if status := status_of(command, environment):
        _say(f"uv failed with status {status}")
    return status == 0


def _count(files: Sequence[str]) -> int:
    """Counts the locked packages, including those for other platforms."""
    names = (re.match(r"[a-zA-Z0-9][\w.-]*", line) for file in files for line in Path(file).read_text().splitlines())
    return len({name[0] for name in names if name})


def _installed_count() -> int:
    return sum(1 for _ in VENV.glob("lib/python*/site-packages/*.dist-info"))


def _included(kind: str) -> list[str]:
    return [each for each in LOCKS if set(LOCKS[each]) <= set(LOCKS[kind])]


def _reason_to_make() -> str:
    """Returns why `.venv` must be created; empty if it can be used."""
    if not VENV.exists():
        return "making .venv"
    if UNFINISHED.exists() or not (MADE_AT.exists() or _stamp("base").exists()):
        return "making .venv again: the last installation did not finish"
    if not _has_pip():
        return "making .venv again: its Python does not run, or has no pip"
    made_at = _made_at()
    moved = made_at != str(VENV.resolve())
    return f"making .venv again: this folder was moved, and .venv was made at {made_at}" if moved else ""


def _made_at() -> str:
    """Where .venv was made. If another installer made it, its script `activate` says so."""
    if MADE_AT.exists():
        return MADE_AT.read_text()
    script = VENV / "bin" / "activate"
    found = ACTIVATED.search(script.read_text()) if script.exists() else None
    return str(Path(found["path"]).resolve()) if found else str(VENV.resolve())


def _has_pip() -> bool:
    if not PYTHON.exists():
        return False
    return subprocess.run([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def _make_venv() -> None:
    if VENV.is_symlink():
        VENV.unlink()  # others may use its target
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    MADE_AT.write_text(str(VENV.resolve()))


def _is_installed(kind: str) -> bool:
    return _stamp(kind).exists() and _stamp(kind).read_text() == _digest(kind)


def _stamp(kind: str) -> Path:
    return VENV / f"installed-{kind}"


def _digest(kind: str) -> str:
    return hashlib.sha256(b"".join((REQUIREMENTS / name).read_bytes() for name in LOCKS[kind])).hexdigest()


@contextmanager
def _install_lock() -> Iterator[None]:
    """Allows one installation at a time: a second one waits, and then finds the packages installed."""
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
    if status := status_of(command):
        sys.exit(f"ml-proxy: {' '.join(command[:4])} … failed with status {status}; see its output above")


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
