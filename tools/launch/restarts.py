"""Restart delays of a process that ended: they double each time it ends soon after its start."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 15.0
MAX_DOUBLINGS = 5  # enough to reach the longest delay
STEADY_SECONDS = 30.0


@dataclass
class Part:
    """A command that must always run."""

    command: Sequence[str]
    failures: int = 0  # consecutive exits soon after the start
    due: float = math.inf  # time.monotonic() of the next start

    def record_exit(self, age: float) -> float:
        """Records an exit `age` seconds after the start. Schedules the next start and returns its delay in seconds."""
        self.failures = self.failures + 1 if age < STEADY_SECONDS else 1
        delay = min(FIRST_DELAY_SECONDS * 2.0 ** min(self.failures - 1, MAX_DOUBLINGS), LONGEST_DELAY_SECONDS)
        self.due = time.monotonic() + delay
        return delay

    def take_due(self) -> bool:
        """Whether the start is due. The caller must then start it."""
        is_due = self.due <= time.monotonic()
        if is_due:
            self.due = math.inf
        return is_due
