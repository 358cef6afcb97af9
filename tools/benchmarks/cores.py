"""Which cores processes may use, what they use of them, and what memory they hold; as Linux tells it."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

Cores = frozenset[int]
MIB = 1024 * 1024
_GONE = (psutil.Error, ProcessLookupError, FileNotFoundError)


@dataclass(frozen=True)
class Layout:
    """Where the web process under test may run, and where all else: callers, model server, Redis, database, workers."""

    web: Cores
    rest: Cores

    @classmethod
    def apart(cls) -> "Layout":
        """One core for the web process, the others for all else; the same for both where there is but one."""
        cores = sorted(os.sched_getaffinity(0))
        return cls(frozenset(cores[-1:]), frozenset(cores[:-1] or cores))

    @classmethod
    def together(cls, apart: "Layout") -> "Layout":
        """All of them for everybody."""
        return cls(apart.web | apart.rest, apart.web | apart.rest)


def place(processes: Iterable[psutil.Process], cores: Cores) -> None:
    """Holds processes with all their threads to `cores`, and what they start from now on."""
    for process in processes:
        with suppress(*_GONE):
            for thread in process.threads():
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(thread.id, cores)


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """What processes have used so far, in user and system mode."""
    total = 0.0
    for process in processes:
        with suppress(*_GONE):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def pss_mib(processes: Iterable[psutil.Process]) -> float:
    """The memory that processes hold, each page that several share counted once among them."""
    total = 0
    for process in processes:
        with suppress(*_GONE):
            total += process.memory_full_info().pss
    return total / MIB


def rss_mib(processes: Iterable[psutil.Process]) -> float:
    """The memory of the largest one."""
    found = [0]
    for process in processes:
        with suppress(*_GONE):
            found.append(process.memory_info().rss)
    return max(found) / MIB


@dataclass
class Busy:
    """How busy cores are from here on, whoever it is that keeps them so."""

    cores: Cores
    _before: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._before = _times(self.cores)

    def share(self, less: float = 0.0) -> float:
        """0 to 1, without `less` seconds that are accounted for."""
        busy, total = (now - then for now, then in zip(_times(self.cores), self._before, strict=True))
        return max(0.0, busy - less) / total if total else 0.0


def _times(cores: Cores) -> tuple[float, float]:
    """Busy and all seconds of some cores together."""
    found = [times for core, times in enumerate(psutil.cpu_times(percpu=True)) if core in cores]
    total = sum(sum(times[:8]) for times in found)  # a guest's time is part of a user's already
    return total - sum(times.idle + times.iowait for times in found), total
