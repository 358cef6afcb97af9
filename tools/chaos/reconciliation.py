"""Runs `manage.py reconcile`, and waits until no record waits in the journal."""

import re
import time

from tests.support.system import System

MAX_SECONDS = 180.0
_LINE = re.compile(r"^([a-z ]+?) +([\d.,e+-]+)$", re.MULTILINE)


def reconcile(system: System) -> dict[str, float]:
    """Returns the figures of `manage.py reconcile` by name; none if it fails."""
    found = _LINE.findall(system.ask("reconcile").stdout)
    return {name: float(value.replace(",", "")) for name, value in found}


def wait_until_drained(system: System) -> tuple[float | None, dict[str, float]]:
    """Returns the seconds until no record waits, None after `MAX_SECONDS`, and the last figures."""
    started = time.monotonic()
    while True:
        figures = reconcile(system)
        seconds = time.monotonic() - started
        if figures.get("waiting") == 0:
            return round(seconds, 2), figures
        if seconds > MAX_SECONDS:
            return None, figures
