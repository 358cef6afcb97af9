"""Each life of a process has files of its own for its counts; what the dead left is folded together, never lost.

    lock                                       held while files come and go
    {life}.life                                which process; locked by it for as long as it lives
    counter_{life}.db, histogram_{life}.db     its counts, in the Prometheus client's own format
    dead/{number}/*.db                         what the dead counted: in the folder with the highest number

The client would name files by process id. An id comes again, lies between containers, and tells nothing of who is dead;
a lock that can be had means that nobody will count there any more. A sum that loses a dead process' part looks like a
restart to Prometheus, which takes all that is left for new: so the dead are folded by a rename, wholly or not at all.
"""

import fcntl
import json
import logging
import os
import shutil
import struct
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast
from uuid import uuid4

from prometheus_client import Metric, mmap_dict
from prometheus_client.multiprocess import MultiProcessCollector

from common.file_locks import is_let_go

KINDS = ("counter", "histogram")
FILE_BYTES = 128 * 1024  # laid out before use: a hole in a mapped file kills whoever touches it on a full disk
MAX_DEAD_FILES = 16  # files, before they are folded
LOCK_SECONDS = 2.0
SUFFIX = ".life"

log = logging.getLogger(__name__)

_client = cast("Any", mmap_dict)  # which has no types
_merge = cast("Any", MultiProcessCollector).merge
_DAMAGE = (ValueError, RuntimeError, TypeError, struct.error)


def lock_against_forks() -> threading.Lock:
    """A lock that also holds off this process' forks: a child would inherit what is held, and never give it back."""
    lock = threading.Lock()
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


class Process(NamedTuple):
    """One that is alive."""

    pid: int
    program: str


class Lives:
    """The folder of one state folder's processes. No fork may happen during any of this."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self) -> tuple[str, int]:
        """A new life's name and the descriptor that holds its lock. Raises `OSError`."""
        with self._locked():
            self._bury()
            life = uuid4().hex
            descriptor = os.open(self._folder / f"{life}{SUFFIX}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(descriptor, json.dumps([os.getpid(), _program()]).encode())
                for kind in KINDS:
                    _lay_out(self._folder / f"{kind}_{life}.db")
            except OSError:
                os.close(descriptor)  # so it is dead, and will be buried
                raise
        return life, descriptor

    def read(self) -> tuple[list[Metric], list[Process]]:
        """What all processes counted, and those that are alive. Raises `OSError`."""
        with self._locked():
            self._bury()
            marks = list(self._folder.glob(f"*{SUFFIX}"))
            live = [self._folder / f"{kind}_{mark.stem}.db" for mark in marks for kind in KINDS]
            return _merged([*live, *self._grave().glob("*.db")]), [_process(mark) for mark in marks]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _wait_for(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _bury(self) -> None:
        grave = self._grave()
        for mark in self._folder.glob(f"*{SUFFIX}"):
            if is_let_go(mark):
                for kind in KINDS:
                    file = self._folder / f"{kind}_{mark.stem}.db"
                    if file.exists():
                        file.rename(grave / file.name)
                mark.unlink()
        if len(list(grave.iterdir())) > MAX_DEAD_FILES:
            self._fold(grave)

    def _grave(self) -> Path:
        """Where the dead lie. What a fold that was killed left behind is removed."""
        graves = self._folder / "dead"
        graves.mkdir(mode=0o700, exist_ok=True)
        numbers = sorted(int(path.name) for path in graves.iterdir() if path.name.isdigit())
        for number in numbers[:-1]:
            shutil.rmtree(graves / str(number), ignore_errors=True)
        newest = graves / str(numbers[-1] if numbers else 0)
        newest.mkdir(mode=0o700, exist_ok=True)
        return newest

    def _fold(self, grave: Path) -> None:
        draft = grave.with_name("draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        for metric in _merged(grave.glob("*.db"), accumulate=False):
            _keep(metric, draft)
        draft.rename(grave.with_name(str(int(grave.name) + 1)))
        shutil.rmtree(grave, ignore_errors=True)


def _wait_for(descriptor: int) -> None:
    """Takes the lock, or raises `TimeoutError`: whoever holds it may be frozen."""
    ends_at = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends_at:
                raise TimeoutError("another process holds the metrics' folder") from None
            time.sleep(0.002)
        else:
            return


def _program() -> str:
    return Path(sys.argv[0]).stem if sys.argv else ""


def _process(mark: Path) -> Process:
    return Process(*json.loads(mark.read_text()))


def _lay_out(path: Path) -> None:
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(bytes(FILE_BYTES))


def _keep(metric: Metric, folder: Path) -> None:
    """Adds a metric to the files in `folder`, as the client would have counted it."""
    kept = _client.MmapedDict(str(folder / f"{metric.type}_folded.db"))
    for sample in metric.samples:
        names, values = list(sample.labels), list(sample.labels.values())
        key = _client.mmap_key(metric.name, sample.name, names, values, metric.documentation)
        kept.write_value(key, sample.value, 0.0)
    kept.close()


def _merged(files: Iterable[Path], *, accumulate: bool = True) -> list[Metric]:
    """The sums; without those files that a power cut damaged."""
    names = [str(file) for file in files]
    try:
        return list(_merge(names, accumulate=accumulate))
    except _DAMAGE:
        return list(_merge([name for name in names if _is_sound(name)], accumulate=accumulate))


def _is_sound(name: str) -> bool:
    try:
        _merge([name])
    except _DAMAGE as exc:
        log.warning("%s can't be read and does not count (%s)", name, type(exc).__name__)
        return False
    return True
