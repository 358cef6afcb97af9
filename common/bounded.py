"""Runs a function in a thread of its own, so that the caller can wait for it with a deadline."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import connections

T = TypeVar("T")


class Bounded(Generic[T]):
    """A function whose run may hang. While one run hangs, no other starts: so hanging runs do not add up.

    Callers that overlap share one run.
    """

    def __init__(self, name: str, function: Callable[[], T]) -> None:
        self._name = name
        self._function = function
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._result: T | None = None

    def start(self) -> None:
        """Starts a run, unless one is running."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._result = None
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def result(self, ends_at: float) -> T | None:
        """The result of the run; None if it has none by `ends_at` (`time.monotonic()` seconds), or if it failed."""
        thread = self._thread
        if thread is not None:
            thread.join(max(ends_at - time.monotonic(), 0.0))
        return None if thread is None or thread.is_alive() else self._result

    def _run(self) -> None:
        try:
            self._result = self._function()
        finally:
            connections.close_all()
