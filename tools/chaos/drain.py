"""Waits until the journal's records are settled, as `manage.py reconcile` tells it."""

import re
import time

from tests.support.system import System

MOST_SECONDS = 180.0
_LINE = re.compile(r"^([a-z ]+?) +([\d.,e+-]+)$", re.MULTILINE)


def account(system: System) -> dict[str, float]:
    """The figures of `manage.py reconcile`, by name; nothing where it can't tell."""
    found = _LINE.findall(system.ask("reconcile").stdout)
    return {name: float(value.replace(",", "")) for name, value in found}


def drained(system: System) -> tuple[float | None, dict[str, float]]:
    """Seconds until nothing waits any more, None where that takes too long, and the figures then."""
    started = time.monotonic()
    while True:
        figures = account(system)
        seconds = time.monotonic() - started
        if figures.get("waiting") == 0:
            return round(seconds, 2), figures
        if seconds > MOST_SECONDS:
            return None, figures
