"""What callers saw of one load."""

from array import array
from collections import Counter
from dataclasses import dataclass, field

from tools.benchmarks.wire import status_of

BROKEN, UNANSWERED, UNSENT = "broken", "unanswered", "unsent"


@dataclass
class Outcome:
    """Counts and times. An open loop's `times` hold those without an answer too, at what they had waited by then."""

    seconds: float = 0.0  # that the load lasted
    in_time: int = 0  # answered 2xx within them
    answered: int = 0  # answered 2xx, the last ones included
    times: "array[float]" = field(default_factory=lambda: array("d"))  # milliseconds
    late: "array[float]" = field(default_factory=lambda: array("d"))  # milliseconds by which the generator itself was
    failed: Counter[str] = field(default_factory=Counter)  # by status, or by why there is none

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.in_time / self.seconds if self.seconds else 0.0

    def note(self, answer: bytes, milliseconds: float) -> None:
        """Counts a whole answer."""
        status = status_of(answer)
        if 200 <= status < 300:
            self.answered += 1
            self.times.append(milliseconds)
        else:
            self.failed[str(status)] += 1

    def end(self, seconds: float) -> None:
        """Ends what counts as in time."""
        self.seconds, self.in_time = seconds, self.answered

    def miss(self, milliseconds: float, why: str) -> None:
        """Counts a request that had no answer for so long."""
        self.failed[why] += 1
        self.times.append(milliseconds)
