"""When a part that ended is started again: soon, and later each time it ends soon again."""

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
    """What shall run all the time."""

    command: Sequence[str]
    falls: int = 0  # in a row, each soon after its start
    due: float = math.inf  # time.monotonic() of the next start

    def fell(self, age: float) -> float:
        """Notes an end `age` seconds after the start; the seconds until the next start, which is now due."""
        self.falls = self.falls + 1 if age < STEADY_SECONDS else 1
        delay = min(FIRST_DELAY_SECONDS * 2.0 ** min(self.falls - 1, MAX_DOUBLINGS), LONGEST_DELAY_SECONDS)
        self.due = time.monotonic() + delay
        return delay

    def take_due(self) -> bool:
        """Whether it is to be started now; whoever asks starts it."""
        is_due = self.due <= time.monotonic()
        if is_due:
            self.due = math.inf
        return is_due
