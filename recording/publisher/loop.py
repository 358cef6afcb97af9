"""Keeps a publisher going: takes the folder's lock, steps, waits for news, and outlives every outage."""

import logging
import os

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, reset_queries

from common.broker import BrokerUnavailable
from recording.journal import Unlockable, Watch, folder_lock, journal_folder, liveness
from recording.publisher.core import Publisher
from recording.publisher.stop import StopRequest

log = logging.getLogger(__name__)

LINGER_SECONDS = 0.02  # after news, for other records to share its message
CONFIRM_SECONDS = 0.2  # between two looks for receipts while some are awaited; what comes meanwhile shares messages
IDLE_SECONDS = 1.0  # without news, between two looks all the same, and two signs of life
LOCK_SECONDS = 0.5  # between two tries to take the lock that another process holds
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 5.0  # while Redis or the database is ill


def run(stop: StopRequest) -> None:
    """Publishes until a stop is asked for, whenever this process holds the folder's lock."""
    while (lock := _take_lock(stop)) is not None:
        try:
            _publish(lock, stop)
        except Exception:
            log.exception("the publisher stumbled and begins anew")
            stop.wait(LONGEST_PAUSE_SECONDS)
        finally:
            os.close(lock)


def _take_lock(stop: StopRequest) -> int | None:
    """The folder's lock, once nobody else holds it; None once a stop is asked for."""
    is_first_try = True
    while not stop.is_made:
        try:
            return folder_lock(journal_folder())
        except (Unlockable, OSError) as exc:
            if is_first_try:
                said = exc.strerror if isinstance(exc, OSError) else "another process publishes"
                log.info("the publisher waits for the lock of the journal's folder: %s", said)
            is_first_try = False
            stop.wait(LOCK_SECONDS)
    return None


def _publish(lock: int, stop: StopRequest) -> None:
    folder = journal_folder()
    publisher = Publisher(folder, republish_seconds=settings.REPUBLISH_SECONDS)
    pause = 0.0
    with Watch(folder, interrupt=stop.descriptor) as watch:
        while not stop.is_made:
            liveness.beat(lock)
            watch.clear()
            pause = _step(publisher, pause)
            if pause:
                stop.wait(pause)
            elif publisher.is_waiting:
                stop.wait(CONFIRM_SECONDS)
            elif watch.wait(IDLE_SECONDS):
                stop.wait(LINGER_SECONDS)
    if not pause:
        _step(publisher, pause)  # what was journaled just before still leaves
    publisher.keep()


def _step(publisher: Publisher, last_pause: float) -> float:
    """One step; the seconds to wait before the next one because Redis or the database is ill, 0 if neither is."""
    try:
        publisher.step()
    except (BrokerUnavailable, DatabaseError, InterfaceError) as exc:
        pause = min(last_pause * 2, LONGEST_PAUSE_SECONDS) or FIRST_PAUSE_SECONDS
        log.warning("publishing waits %.1f s: %s", pause, exc if isinstance(exc, BrokerUnavailable) else "no database")
        connection.close()
        return pause
    finally:
        reset_queries()  # under DEBUG Django keeps thousands of statements until a request begins; none does here
    return 0.0
