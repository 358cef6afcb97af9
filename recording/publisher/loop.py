"""Keeps a publisher going: takes the folder's lock, steps, waits as long as fits, and outlives every outage."""

import atexit
import logging
import os
import threading
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, reset_queries

from common.broker import BrokerUnavailable
from recording.journal import Unlockable, folder_lock
from recording.publisher.core import Publisher

log = logging.getLogger(__name__)

LINGER_SECONDS = 0.02  # after a wake-up, for other records to share its message
CONFIRM_SECONDS = 0.2  # between two looks for receipts while some are awaited; what comes meanwhile shares messages
IDLE_SECONDS = 0.25  # between two looks at what other processes wrote, or for the lock
FORK_SECONDS = 1.0  # that a fork waits for a step
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 5.0  # while Redis or the database is ill


def journal_folder() -> Path:
    """Where every gateway process of this state folder keeps its records."""
    return Path(settings.VAR_DIR) / "journal"


def run(stop: threading.Event, news: threading.Event | None = None) -> None:
    """Publishes until `stop` is set, whenever this process holds the folder's lock. `news` cuts a wait short."""
    news = news or threading.Event()
    while not stop.is_set():
        try:
            _held.take(journal_folder())
        except (Unlockable, OSError):
            stop.wait(IDLE_SECONDS)
            continue
        try:
            _publish(stop, news)
        except Exception:
            log.exception("the publisher stumbled and begins anew")
            stop.wait(LONGEST_PAUSE_SECONDS)
        finally:
            _held.let_go()


class _Held:
    """The folder's lock, which a forked child inherits and would keep after its parent's death."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._guard = threading.Lock()  # no fork while the lock is being taken or let go
        os.register_at_fork(
            before=self._guard.acquire, after_in_parent=self._guard.release, after_in_child=self._close_in_child
        )

    def take(self, folder: Path) -> None:
        """Raises `Unlockable` or `OSError`."""
        with self._guard:
            self._descriptor = folder_lock(folder)

    def let_go(self) -> None:
        with self._guard:
            self._close()

    def _close_in_child(self) -> None:
        self._close()
        self._guard.release()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class _Stepping:
    """The block of a publisher's step, whose end a fork waits for, within `FORK_SECONDS`: a database may be frozen.

    A child would inherit what this thread holds at that moment and never lets go there: above all the lock of a module
    that is being imported, which the child's first request may need.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_forking = False
        os.register_at_fork(before=self._wait, after_in_parent=self._go_on, after_in_child=self._begin_anew)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _wait(self) -> None:
        self._is_forking = self._lock.acquire(timeout=FORK_SECONDS)

    def _go_on(self) -> None:
        if self._is_forking:
            self._lock.release()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()


_held = _Held()
_stepping = _Stepping()


def _publish(stop: threading.Event, news: threading.Event) -> None:
    with _stepping:
        publisher = Publisher(journal_folder(), republish_seconds=settings.REPUBLISH_SECONDS)
    pause = FIRST_PAUSE_SECONDS
    while not stop.is_set():
        news.clear()
        try:
            with _stepping:
                publisher.step()
            reset_queries()  # under DEBUG Django keeps thousands of statements until a request begins; none does here
        except (BrokerUnavailable, DatabaseError, InterfaceError) as exc:
            log.warning(
                "publishing waits %.1f s: %s", pause, exc if isinstance(exc, BrokerUnavailable) else "no database"
            )
            connection.close()
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            continue
        pause = FIRST_PAUSE_SECONDS
        if publisher.is_waiting:
            stop.wait(CONFIRM_SECONDS)
        elif news.wait(IDLE_SECONDS):
            stop.wait(LINGER_SECONDS)
    publisher.keep()


class _Background:
    """The publisher's thread in this process."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.news = threading.Event()
        self.thread = threading.Thread(target=run, args=(self.stop, self.news), name="publisher", daemon=True)

    def start(self) -> None:
        self.thread.start()
        atexit.register(self.end)

    def end(self) -> None:
        self.stop.set()
        self.news.set()
        self.thread.join(timeout=LONGEST_PAUSE_SECONDS)


_background: _Background | None = None


def start_in_background() -> None:
    """Starts this process' publisher thread, once; it works whenever no other process holds the folder's lock."""
    global _background  # noqa: PLW0603 - one thread a process is the point
    if _background is None:
        _background = _Background()
        _background.start()


def wake() -> None:
    """Tells this process' publisher, if it has one, that there is news."""
    if _background is not None and not _background.news.is_set():
        _background.news.set()


def _start_again_after_fork() -> None:
    global _background  # noqa: PLW0603
    if _background is not None:
        _background = None
        start_in_background()


os.register_at_fork(after_in_child=_start_again_after_fork)
