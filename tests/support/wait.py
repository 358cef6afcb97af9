"""Waits for a condition, never for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# Long enough for a busy machine. A wait ends as soon as its condition is true, so a long deadline costs time only if a
# test fails.
DEADLINE_SECONDS = 60.0
# A probe often asks a gateway, or starts a process. A long wait tries less often, and leaves the cores to what it waits
# for.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.1  # seconds


def until(probe: Callable[[], T], *, seconds: float = DEADLINE_SECONDS, what: str = "") -> T:
    """The first true value of `probe`. After `seconds`, raises its last exception or an AssertionError."""
    began = time.monotonic()
    ends_at = began + seconds
    while True:
        try:
            found = probe()
        except Exception:
            if time.monotonic() > ends_at:
                raise
        else:
            if found:
                return found
            if time.monotonic() > ends_at:
                raise AssertionError(f"not within {seconds} s: {what or probe}")
        time.sleep(min(max((time.monotonic() - began) / 10, SHORTEST_PAUSE), LONGEST_PAUSE))
