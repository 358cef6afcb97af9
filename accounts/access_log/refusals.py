"""Bounds what one known caller can write into the access log by requests that are refused.

The first refusal of a kind is noted at once. Those of the next minute are counted, and one more entry has their number.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db import connections

WINDOW_SECONDS = 60.0


@dataclass(frozen=True)
class Refusal:
    """One refused request of a known caller. Two are of one kind if all but address and request id are the same."""

    account: str
    token_id: str
    method: str
    route: str
    action: str
    status: int
    reason: str
    address: str = ""
    request_id: str = "-"

    @property
    def kind(self) -> "Refusal":
        """The same without what may differ."""
        return replace(self, address="", request_id="-")


class _Window:
    """The minute after a refusal that was noted, and how many more there were."""

    def __init__(self, first: Refusal) -> None:
        self.first = first
        self.ends_at = time.monotonic() + WINDOW_SECONDS
        self.begins = datetime.now(UTC)
        self.more = 0

    def summary(self) -> Refusal:
        text = f"{self.first.reason}; {self.more} more since {self.begins:%H:%M:%S} UTC were not noted one by one"
        return replace(self.first, reason=text, request_id="-")


class Refusals:
    """Counts refusals in this process. `write` writes an entry; it must not raise."""

    def __init__(self, write: Callable[[Refusal], None]) -> None:
        self._write = write
        self.reset()
        os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        """Forgets all counts: in a forked child, which has none of its parent's threads, and between tests."""
        if timer := vars(self).get("_timer"):
            timer.cancel()
        self._lock = threading.Lock()
        self._windows: dict[Refusal, _Window] = {}
        self._timer: threading.Timer | None = None

    def add(self, refusal: Refusal) -> None:
        """Notes the refusal, or counts it."""
        with self._lock:
            window = self._windows.get(refusal.kind)
            if window is not None and window.ends_at > time.monotonic():
                window.more += 1
                return
            self._windows[refusal.kind] = _Window(refusal)
            self._start_timer()
        if window is not None and window.more:
            self._write(window.summary())
        self._write(refusal)

    def _start_timer(self) -> None:
        """Waits for the first window's end, if nothing waits yet."""
        if self._timer is None and self._windows:
            first_end = min(window.ends_at for window in self._windows.values())
            self._timer = threading.Timer(max(0.0, first_end - time.monotonic()), self._sweep)
            self._timer.daemon = True
            self._timer.start()

    def _sweep(self) -> None:
        with self._lock:
            now = time.monotonic()
            ended = [window for window in self._windows.values() if window.ends_at <= now]
            self._windows = {kind: window for kind, window in self._windows.items() if window.ends_at > now}
            self._timer = None
            self._start_timer()
        try:
            for window in ended:
                if window.more:
                    self._write(window.summary())
        finally:
            connections.close_all()  # this thread ends
