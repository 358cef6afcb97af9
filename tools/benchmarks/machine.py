"""Describes the machine."""

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

OURS = ("django", "granian", "celery", "requests", "psycopg")


def describe() -> dict[str, Any]:
    """Returns date, processor, kernel, memory, versions, and the load average before the run."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory GiB": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "Python": platform.python_version(),
        **{name: version(name) for name in OURS},
        "load before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()
