"""How a training is spread over the time asked for, and how it is ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from time import monotonic

from ml_server.exceptions import Stopping

LONGEST_SILENCE = 0.5  # seconds: a caller learns that the training lives, and we that the caller does
SHORTEST_SILENCE = 0.1  # seconds: nobody reads faster


@dataclass(frozen=True)
class Progress:
    """How far a training is: 0 to 100, and a line for people."""

    percent: int
    message: str


class Pace:
    """Lets a training reach each share of its work no earlier than that share of `min_seconds`."""

    def __init__(self, min_seconds: float, stopping: Event) -> None:
        self._min_seconds = min_seconds
        self._stopping = stopping
        self._started = self._told = monotonic()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return monotonic() - self._started

    def reach(self, share: float) -> Iterator[float]:
        """Waits until `share` (0 to 1) is due, and yields the share reached whenever it is time to tell.

        Raises:
            Stopping: as soon as the server is told to end.
        """
        while (left := self._min_seconds * share - self.seconds) > 0:
            self._stopping.wait(min(left, LONGEST_SILENCE))
            self._stop_if_told()
            yield from self._tell(min(share, self.seconds / self._min_seconds))
        self._stop_if_told()
        yield from self._tell(share)

    def _tell(self, share: float) -> Iterator[float]:
        if (now := monotonic()) - self._told >= SHORTEST_SILENCE:
            self._told = now
            yield share

    def _stop_if_told(self) -> None:
        if self._stopping.is_set():
            raise Stopping("the server is stopping")
