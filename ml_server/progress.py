"""The progress of a training: when to report it, how to stretch it over a minimum duration, when to stop."""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from time import monotonic

from ml_server.exceptions import ServerStopping

MAX_REPORT_INTERVAL = 0.5  # seconds: shows that the training is alive, and detects a disconnected client
MIN_REPORT_INTERVAL = 0.1  # seconds: nobody reads more often


@dataclass(frozen=True)
class Progress:
    """How far a training has come: 0 to 100 percent, and a message for people."""

    percent: int
    message: str


class ProgressTracker:
    """Delays a training so that each fraction of its work ends no earlier than that fraction of `min_seconds`."""

    def __init__(self, min_seconds: float, stopping: Event) -> None:
        self._min_seconds = min_seconds
        self._stopping = stopping
        self._started = self._reported = monotonic()

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the start."""
        return monotonic() - self._started

    def advance_to(self, fraction: float) -> Iterator[float]:
        """Waits until `fraction` (0 to 1) is due. Yields the fraction reached each time a report is due.

        Raises:
            ServerStopping: as soon as the server is stopping.
        """
        while (left := self._min_seconds * fraction - self.elapsed_seconds) > 0:
            self._stopping.wait(min(left, MAX_REPORT_INTERVAL))
            self._check_stopping()
            yield from self._report(min(fraction, self.elapsed_seconds / self._min_seconds))
        self._check_stopping()
        yield from self._report(fraction)

    def _report(self, fraction: float) -> Iterator[float]:
        if (now := monotonic()) - self._reported >= MIN_REPORT_INTERVAL:
            self._reported = now
            yield fraction

    def _check_stopping(self) -> None:
        if self._stopping.is_set():
            raise ServerStopping("the server is stopping: try again once it has restarted")
