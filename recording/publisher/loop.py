"""The publisher's loop: takes the folder's lock, steps, waits for changes, and survives outages."""

import logging
import os
import time

from django.conf import settings
from django.db import Error, connection, reset_queries

from common.broker import BrokerUnavailable
from common.database_errors import trouble
from recording.journal import FolderLocked, Watch, folder_lock, journal_folder, liveness
from recording.publisher.head_copies import HeadCopies
from recording.publisher.publisher import Publisher
from recording.publisher.stop import StopRequest
from recording.remnants import Eraser

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.02  # after a change, so that other records share the message
CONFIRM_SECONDS = 0.2  # between two looks at the heads for batches; records that arrive meanwhile share messages
UPKEEP_SECONDS = 1.0  # between two looks for erased records that are still in the journal, and for due copies of heads
LAST_COPIES_SECONDS = 2.0  # at a stop, for copies of heads that are being sent
IDLE_SECONDS = 1.0  # without changes, between two steps and two heartbeats
LOCK_SECONDS = 0.5  # between two tries to take the lock that another process holds
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 5.0  # while Redis or the database is down


def run(stop: StopRequest) -> None:
    """Publishes until a stop is requested, while this process holds the folder's lock."""
    while (lock := _take_lock(stop)) is not None:
        try:
            _publish(lock, stop)
        except Exception:
            log.exception("the publisher failed unexpectedly and restarts")
            stop.wait(LONGEST_PAUSE_SECONDS)
        finally:
            os.close(lock)


def _take_lock(stop: StopRequest) -> int | None:
    """Waits for the folder's lock; None if a stop is requested first."""
    is_first_try = True
    while not stop.is_set:
        try:
            return folder_lock(journal_folder())
        except (FolderLocked, OSError) as exc:
            if is_first_try:
                reason = exc.strerror if isinstance(exc, OSError) else "another process publishes"
                log.info("the publisher waits for the lock of the journal's folder: %s", reason)
            is_first_try = False
            stop.wait(LOCK_SECONDS)
    return None


def _publish(lock: int, stop: StopRequest) -> None:
    folder = journal_folder()
    publisher = Publisher(folder, republish_seconds=settings.REPUBLISH_SECONDS)
    eraser, copies, upkeep_at = Eraser(folder), HeadCopies(folder), 0.0
    pause = 0.0
    with Watch(folder, interrupt=stop.descriptor) as watch:
        while not stop.is_set:
            liveness.beat(lock)
            watch.clear()
            pause = _step(publisher, pause)
            if not pause and time.monotonic() >= upkeep_at:
                _blank_erased(eraser)
                copies.step()
                upkeep_at = time.monotonic() + UPKEEP_SECONDS
            if pause:
                stop.wait(pause)
            elif publisher.is_waiting:
                stop.wait(CONFIRM_SECONDS)
            elif watch.wait(IDLE_SECONDS):
                stop.wait(BATCH_SECONDS)
    if not pause:
        _step(publisher, pause)  # publishes what was journaled just before the stop
    publisher.save_progress()
    copies.wait(LAST_COPIES_SECONDS)


def _blank_erased(eraser: Eraser) -> None:
    """Overwrites erased records in the journal. An error here must not stop publishing; the next call tries again."""
    try:
        eraser.step()
    except OSError as exc:
        log.warning("erased records can't be overwritten in the journal: %s", exc.strerror)
    except Error as exc:
        log.warning("erased records are not overwritten in the journal yet: %s", trouble(exc) or type(exc).__name__)


def _step(publisher: Publisher, last_pause: float) -> float:
    """Makes one step. Returns the seconds to pause because Redis or the database is down; 0 if neither is."""
    try:
        publisher.step()
    except (BrokerUnavailable, Error) as exc:
        pause = min(last_pause * 2, LONGEST_PAUSE_SECONDS) or FIRST_PAUSE_SECONDS
        reason = exc if isinstance(exc, BrokerUnavailable) else f"the database {trouble(exc) or 'fails'}"
        log.warning("publishing pauses for %.1f s: %s", pause, reason)
        connection.close()
        return pause
    finally:
        reset_queries()  # under DEBUG Django collects statements until a request begins, and here none does
    return 0.0
