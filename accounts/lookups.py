"""Runs look-ups of credentials in threads of their own, so that a caller waits for a deadline at most.

A database that is frozen answers nothing, and no timeout of its driver ends that wait.
"""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from django.db import close_old_connections, connections

T = TypeVar("T")

IDLE_SECONDS = 5.0  # after which a thread ends and closes its connection to the database


class Overloaded(Exception):
    """Too many callers wait already, or the look-up spent most of its time behind others."""


class TookTooLong(Exception):
    """No result by the deadline, or none can be expected: every thread hangs."""


class Lookups(Generic[T]):
    """At most `threads` look-ups run at a time. Callers that ask the same share one; each waits `seconds` at most.

    More than `callers` may wait only for `patience` seconds: so a slow database can't hold every request thread.
    If a look-up has run for longer than `seconds`, nobody waits for it, or for a thread while all run such ones.
    """

    def __init__(self, name: str, *, threads: int, callers: int, seconds: float, patience: float) -> None:
        self._name, self._max_threads, self._max_callers = name, threads, callers
        self._seconds, self._patience = seconds, patience
        self.reset()

    def reset(self) -> None:
        """Begins anew, in a forked child: it has none of its parent's threads, and its locks may be held."""
        self._lock = threading.Lock()
        self._queue: SimpleQueue[tuple[Hashable, Future[T], Callable[[], T]]] = SimpleQueue()
        self._shared: dict[Hashable, Future[T]] = {}
        self._began: dict[Hashable, float] = {}  # when each running look-up began
        self._threads = self._callers = 0

    def ask(self, key: Hashable, look_up: Callable[[], T]) -> T:
        """The result of `look_up`, or of a running one with the same key. Raises `Overloaded`, `TookTooLong`."""
        future, is_extra = self._join(key, look_up)
        try:
            return future.result(self._patience if is_extra else self._seconds)
        except (TimeoutError, CancelledError):
            if future.done() and not future.cancelled():
                return future.result()  # in the last moment, or the look-up itself raised a TimeoutError
            if is_extra:
                raise Overloaded from None
            future.cancel()  # unless it has begun
            raise (Overloaded if self._is_busy(key) else TookTooLong) from None
        finally:
            with self._lock:
                self._callers -= 1

    def _join(self, key: Hashable, look_up: Callable[[], T]) -> "tuple[Future[T], bool]":
        """The look-up to wait for, and whether too many wait already."""
        with self._lock:
            self._refuse_overdue(key)
            is_extra = self._callers >= self._max_callers
            if is_extra and not self._patience:
                raise Overloaded
            self._callers += 1
            future = self._shared.get(key)
            if future is None or future.cancelled():
                future = self._shared[key] = Future()
                self._queue.put((key, future, partial(copy_context().run, look_up)))  # with the caller's request id
                self._start_thread()
            return future, is_extra

    def _refuse_overdue(self, key: Hashable) -> None:
        latest = time.monotonic() - self._seconds
        overdue = [each for each, began in self._began.items() if began < latest]
        if key in overdue or len(overdue) >= self._max_threads:
            raise TookTooLong

    def _is_busy(self, key: Hashable) -> bool:
        """Whether a late look-up is late because of those before it, which went on; not because it hangs, or all do."""
        with self._lock:
            now = time.monotonic()
            began = self._began.get(key, max(self._began.values(), default=now))
            return now - began < self._seconds / 2

    def _start_thread(self) -> None:
        if self._threads < self._max_threads and len(self._shared) > self._threads:
            self._threads += 1
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        try:
            while self._run_next():
                pass
        finally:
            connections.close_all()

    def _run_next(self) -> bool:
        """Runs one look-up. Returns False if there was none for a while: then this thread does not count any more."""
        try:
            key, future, look_up = self._queue.get(timeout=IDLE_SECONDS)
        except Empty:
            with self._lock:
                if self._queue.empty():
                    self._threads -= 1
                    return False
            return True
        with self._lock:
            is_wanted = future.set_running_or_notify_cancel()
            if is_wanted:
                self._began[key] = time.monotonic()
        if is_wanted:
            self._run(future, look_up)
        with self._lock:
            if self._shared.get(key) is future:
                del self._shared[key]
                self._began.pop(key, None)
        return True

    def _run(self, future: "Future[T]", look_up: Callable[[], T]) -> None:
        close_old_connections()
        try:
            future.set_result(look_up())
        except BaseException as exc:  # noqa: BLE001 - its callers get it
            future.set_exception(exc)
