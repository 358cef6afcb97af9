"""Stores the counts of each process in files of its own, and merges the files of ended processes.

    lock                                       held while files are created, moved or merged
    {name}.life                                process id and program; locked by its process while it runs
    counter_{name}.db, histogram_{name}.db     its counts, in the Prometheus client's own format
    dead/{number}/*.db                         counts of ended processes, in the folder with the highest number

The client would name files by process id. Ids are reused, and are ambiguous between containers. A lock is exact: if it
can be acquired, the process has exited. Prometheus treats a sum that falls as a restart and
counts the rest again, so no counts may be lost: one rename replaces the old files with the merged ones.
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

from common.file_locks import is_released

KINDS = ("counter", "histogram")
FILE_BYTES = 128 * 1024  # allocated before use: on a full disk, a write to a hole in a mapped file kills the process
ENTRY_BYTES = 32  # of a count besides its key, at most; the head of a file has 8
MAX_DEAD_FILES = 16  # files of ended processes, before they are merged
LOCK_SECONDS = 2.0
SUFFIX = ".life"

log = logging.getLogger(__name__)

_client = cast("Any", mmap_dict)  # it has no types
_merge = cast("Any", MultiProcessCollector).merge
_DAMAGE_ERRORS = (ValueError, RuntimeError, TypeError, struct.error)


def lock_against_forks() -> threading.Lock:
    """A lock that also delays forks of this process: a child would inherit a held lock and never release it."""
    lock = threading.Lock()
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


class Process(NamedTuple):
    """A running process."""

    pid: int
    program: str


class ProcessFiles:
    """The metrics folder of one state folder. No fork may happen during a method."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self) -> tuple[str, int]:
        """Creates the files of this process. Returns their name and the lock's descriptor. Raises `OSError`."""
        with self._locked():
            self._move_ended()
            name = uuid4().hex
            descriptor = os.open(self._folder / f"{name}{SUFFIX}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(descriptor, json.dumps([os.getpid(), _program()]).encode())
                for kind in KINDS:
                    _allocate(self._folder / f"{kind}_{name}.db")
            except OSError:
                os.close(descriptor)  # so the files count as those of an ended process
                raise
        return name, descriptor

    def read(self) -> tuple[list[Metric], list[Process]]:
        """The counts of all processes, and the running processes. Raises `OSError`."""
        with self._locked():
            self._move_ended()
            markers = list(self._folder.glob(f"*{SUFFIX}"))
            live = [self._folder / f"{kind}_{marker.stem}.db" for marker in markers for kind in KINDS]
            return _merged([*live, *self._ended_folder().glob("*.db")]), [_process(marker) for marker in markers]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _wait_for(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _move_ended(self) -> None:
        ended = self._ended_folder()
        for marker in self._folder.glob(f"*{SUFFIX}"):
            if is_released(marker):
                for kind in KINDS:
                    file = self._folder / f"{kind}_{marker.stem}.db"
                    if file.exists():
                        file.rename(ended / file.name)
                marker.unlink()
        if len(list(ended.iterdir())) > MAX_DEAD_FILES:
            self._merge_ended(ended)

    def _ended_folder(self) -> Path:
        """The folder for files of ended processes. Removes what an interrupted merge left behind."""
        parent = self._folder / "dead"
        parent.mkdir(mode=0o700, exist_ok=True)
        numbers = sorted(int(path.name) for path in parent.iterdir() if path.name.isdigit())
        for number in numbers[:-1]:
            shutil.rmtree(parent / str(number), ignore_errors=True)
        newest = parent / str(numbers[-1] if numbers else 0)
        newest.mkdir(mode=0o700, exist_ok=True)
        return newest

    def _merge_ended(self, ended: Path) -> None:
        draft = ended.with_name("draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        metrics = _merged(ended.glob("*.db"), accumulate=False)
        for kind in KINDS:
            _write((each for each in metrics if each.type == kind), draft / f"{kind}_merged.db")
        draft.rename(ended.with_name(str(int(ended.name) + 1)))
        shutil.rmtree(ended, ignore_errors=True)


def _wait_for(descriptor: int) -> None:
    """Acquires the lock. Raises `TimeoutError`, because its holder may be frozen."""
    ends_at = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends_at:
                raise TimeoutError("another process holds the lock of the metrics folder") from None
            time.sleep(0.002)
        else:
            return


def _program() -> str:
    return Path(sys.argv[0]).stem if sys.argv else ""


def _process(marker: Path) -> Process:
    return Process(*json.loads(marker.read_text()))


def _allocate(path: Path, nbytes: int = FILE_BYTES) -> None:
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(bytes(nbytes))


def _write(metrics: Iterable[Metric], path: Path) -> None:
    """Writes metrics into a new file, in the client's format."""
    values = {
        _client.mmap_key(metric.name, each.name, list(each.labels), list(each.labels.values()), metric.documentation): (
            each.value
        )
        for metric in metrics
        for each in metric.samples
    }
    _allocate(path, sum(len(key.encode()) + ENTRY_BYTES for key in values) + ENTRY_BYTES)
    store = _client.MmapedDict(str(path))
    for key, value in values.items():
        store.write_value(key, value, 0.0)
    store.close()


def _merged(files: Iterable[Path], *, accumulate: bool = True) -> list[Metric]:
    """The sums, without files that a power failure damaged."""
    names = [str(file) for file in files]
    try:
        return list(_merge(names, accumulate=accumulate))
    except _DAMAGE_ERRORS:
        return list(_merge([name for name in names if _is_readable(name)], accumulate=accumulate))


def _is_readable(name: str) -> bool:
    try:
        _merge([name])
    except _DAMAGE_ERRORS as exc:
        log.warning("skipped %s, which is damaged (%s)", name, type(exc).__name__)
        return False
    return True
