"""Watches a statement while it runs, and ends it in the database: at its deadline, or if nobody wants its rows.

A cancel may come to nothing: the statement has not begun, or the server hangs. So it is repeated, and after a while the
connection is cut.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self

PERIOD_SECONDS = 0.25
SPARE_SECONDS = 0.2  # the database's own time-out comes first
CUT_SECONDS = 3.0  # after the first cancel


def always() -> bool:
    """A result is wanted until its deadline."""
    return True


def nothing(_: int) -> None:
    """Nobody asks for progress."""


@dataclass(frozen=True)
class Audience:
    """Who waits for the rows. `is_wanted` is asked again and again; `on_rows` is told how many were read."""

    is_wanted: Callable[[], bool] = always
    on_rows: Callable[[int], None] = nothing


class Ending(Enum):
    """Why a statement was ended."""

    DEADLINE = auto()
    UNWANTED = auto()


class Watch:
    """Watches one statement during a block; afterwards, `ending` says whether and why it was ended.

    `cancel` asks the database, and raises nothing. `descriptor` is the connection's; None if it has none.
    """

    def __init__(
        self, cancel: Callable[[], None], descriptor: int | None, seconds: float, is_wanted: Callable[[], bool]
    ) -> None:
        self.ending: Ending | None = None
        self._cancel = cancel
        self._socket = None if descriptor is None else socket.socket(fileno=os.dup(descriptor))
        self._is_wanted = is_wanted
        self._ends_at = time.monotonic() + seconds + SPARE_SECONDS
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run, name="statement", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        self._thread.join()
        if self._socket:
            self._socket.close()

    def _run(self) -> None:
        while not self._finished.wait(max(min(PERIOD_SECONDS, self._ends_at - time.monotonic()), 0)):
            if self._must_end():
                self._end()
                return

    def _must_end(self) -> bool:
        if time.monotonic() >= self._ends_at:
            self.ending = Ending.DEADLINE
        elif not self._is_wanted():
            self.ending = Ending.UNWANTED
        return self.ending is not None

    def _end(self) -> None:
        cut_at = time.monotonic() + CUT_SECONDS
        while not self._finished.is_set():
            self._cancel()
            if time.monotonic() >= cut_at and self._socket:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            self._finished.wait(PERIOD_SECONDS)
