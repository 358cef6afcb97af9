"""The peak memory of a process on Linux."""

import re
from pathlib import Path

import psutil

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peak_mib(process: psutil.Process) -> float:
    """Returns its peak resident memory in MiB; 0 if it has ended."""
    try:
        found = _PEAK.search(Path(f"/proc/{process.pid}/status").read_text())
    except FileNotFoundError:
        return 0.0
    return round(int(found[1]) / 1024, 1) if found else 0.0
