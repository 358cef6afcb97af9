"""The outcome of one load, as callers saw it."""

from array import array
from collections import Counter
from dataclasses import dataclass, field

from tools.benchmarks.raw_http import status_of

BROKEN, UNANSWERED, UNSENT = "broken", "unanswered", "unsent"


@dataclass
class Outcome:
    """Counts and latencies. An open loop's `times` include unanswered requests, with the time that they had waited."""

    seconds: float = 0.0  # duration of the load
    in_time: int = 0  # answered 2xx within this duration
    answered: int = 0  # answered 2xx, including the last ones
    times: "array[float]" = field(default_factory=lambda: array("d"))  # milliseconds
    late: "array[float]" = field(default_factory=lambda: array("d"))  # milliseconds; delay of the load generator itself
    failed: Counter[str] = field(default_factory=Counter)  # by status, or by the reason for no status

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.in_time / self.seconds if self.seconds else 0.0

    def add_answer(self, answer: bytes, milliseconds: float) -> None:
        """Counts a complete answer."""
        status = status_of(answer)
        if 200 <= status < 300:
            self.answered += 1
            self.times.append(milliseconds)
        else:
            self.failed[str(status)] += 1

    def end(self, seconds: float) -> None:
        """Ends the time in which answers count for the rate."""
        self.seconds, self.in_time = seconds, self.answered

    def add_unanswered(self, milliseconds: float, why: str) -> None:
        """Counts a request that was not answered for `milliseconds`."""
        self.failed[why] += 1
        self.times.append(milliseconds)
