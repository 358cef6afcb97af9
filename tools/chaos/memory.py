"""The memory of a process, as Linux counts it."""

import re
from pathlib import Path

import psutil

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peak_mib(process: psutil.Process) -> float:
    """The most that it ever held in memory, in MiB; 0 where it has ended."""
    try:
        found = _PEAK.search(Path(f"/proc/{process.pid}/status").read_text())
    except FileNotFoundError:
        return 0.0
    return round(int(found[1]) / 1024, 1) if found else 0.0
