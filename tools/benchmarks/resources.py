"""CPU affinity, priority, CPU time and memory of processes on Linux."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

Cores = frozenset[int]
MIB = 1024 * 1024
_GONE = (psutil.Error, ProcessLookupError, FileNotFoundError)


@dataclass(frozen=True)
class CoreLayout:
    """The cores of the web process under test, and those of all other processes."""

    web: Cores
    rest: Cores

    @classmethod
    def isolated(cls) -> "CoreLayout":
        """One core for the web process, the others for the rest. With a single core, both use it."""
        cores = sorted(os.sched_getaffinity(0))
        return cls(frozenset(cores[-1:]), frozenset(cores[:-1] or cores))

    @classmethod
    def shared(cls, isolated: "CoreLayout") -> "CoreLayout":
        """All cores for all processes."""
        return cls(isolated.web | isolated.rest, isolated.web | isolated.rest)


def pin(processes: Iterable[psutil.Process], cores: Cores) -> None:
    """Pins processes with all their threads to `cores`; their new threads and children inherit this."""
    for process in processes:
        with suppress(*_GONE):
            for thread in process.threads():
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(thread.id, cores)


def run_first(pids: Iterable[int]) -> bool:
    """Lets the main threads of processes run before all others of their cores; their children do not inherit it.

    Returns False without the right to do so.
    """
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.sched_setscheduler(pid, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except PermissionError:
        return False
    return True


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """Returns the CPU seconds of processes so far, user and system."""
    total = 0.0
    for process in processes:
        with suppress(*_GONE):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def pss_mib(processes: Iterable[psutil.Process]) -> float:
    """Returns the PSS of processes in MiB: shared pages count once.

    Only root may read it of a gateway outside DEBUG (`common.core_dumps`); others get the RSS instead, which is more.
    """
    total = 0
    for process in processes:
        with suppress(*_GONE):
            total += _pss(process)
    return total / MIB


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def rss_mib(processes: Iterable[psutil.Process]) -> float:
    """Returns the RSS of the largest process in MiB."""
    found = [0]
    for process in processes:
        with suppress(*_GONE):
            found.append(process.memory_info().rss)
    return max(found) / MIB


@dataclass
class CpuUsage:
    """Measures the utilisation of cores from its creation on, by all processes."""

    cores: Cores
    _before: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._before = _times(self.cores)

    def share(self, less: float = 0.0) -> float:
        """Returns the utilisation, 0 to 1, without `less` CPU seconds."""
        busy, total = (now - then for now, then in zip(_times(self.cores), self._before, strict=True))
        return max(0.0, busy - less) / total if total else 0.0


def _times(cores: Cores) -> tuple[float, float]:
    """Returns busy and total seconds, summed over the cores."""
    found = [times for core, times in enumerate(psutil.cpu_times(percpu=True)) if core in cores]
    total = sum(sum(times[:8]) for times in found)  # guest time is already part of user time
    return total - sum(times.idle + times.iowait for times in found), total
