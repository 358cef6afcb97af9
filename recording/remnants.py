"""What is left of erased records outside of the tables, and how it goes: the name must be in no file any more.

- The journal: a segment stays until it is full and all of its records are settled. `blank` overwrites frames in it.
- Redis: messages that workers took stay in its append-only file until Redis rewrites that.
- SQLite: deleted rows are overwritten (`secure_delete`), but the write-ahead log still has old pages.

PostgreSQL keeps deleted rows in its files until VACUUM, and in its own log and backups.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import redis
from django.db import connection

from common import broker
from common.number_set import NumberSet, between
from recording import origins
from recording.ingestion import is_genuine
from recording.journal import segment
from recording.journal.segment import SegmentName
from recording.models import Disposition
from recording.seals import keyring

POLL_SECONDS = 0.2
BLANKED = (Disposition.Kind.ERASED, Disposition.Kind.REPEATED)  # a repeated record has the same content as its row
OVERLAP = timedelta(minutes=10)  # longer than a transaction: a tombstone becomes visible after its `created_at`


class Eraser:
    """Blanks the frames of a journal's erased records, as they appear. Each host's publisher has one."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._looked_at: datetime | None = None

    def step(self) -> bool:
        """Blanks frames of records that were erased since the last step, and in the minutes before.

        Returns whether none is left: a frame with other records that are not settled yet has to wait. Raises Django's
        database errors or `OSError`.
        """
        begun, tombstones = datetime.now(UTC), Disposition.objects.filter(kind__in=BLANKED)
        if self._looked_at is not None:
            tombstones = tombstones.filter(created_at__gte=self._looked_at - OVERLAP)
        paths = {path: UUID(name.origin) for path in self._paths() if (name := _name(path))}
        heads = {origin: head for origin in set(paths.values()) if (head := origins.genuine(origin))}
        numbers: dict[UUID, set[int]] = {}
        for each in tombstones.filter(origin__in=heads):
            key = keyring().find(heads[each.origin].key_id)
            if is_genuine(each, key):  # nobody else may blank what waits here
                numbers.setdefault(each.origin, set()).add(each.sequence)
        is_done = True
        for path, origin in paths.items():
            if origin in numbers:
                with suppress(FileNotFoundError):  # the publisher has just removed it
                    is_done &= _blank(path, numbers[origin], heads[origin].settled)
        self._looked_at = begun if is_done else self._looked_at
        return is_done

    def _paths(self) -> Iterator[Path]:
        """All segments, those that were set aside as damaged too."""
        yield from self._journal.glob(f"*{segment.SUFFIX}")
        yield from self._journal.glob("*.damaged")


def wait_for_older_messages(moment: float, seconds: float) -> bool:
    """Waits until workers have begun with all messages that were sent before `moment` (seconds since 1970).

    Returns whether they have. Raises `BrokerUnavailable`.
    """
    ends_at = time.monotonic() + seconds
    while min(broker.oldest_waiting(broker.LOGS_QUEUE), broker.oldest_taken(broker.LOGS_ROLE)) < moment:
        if time.monotonic() > ends_at:
            return False
        time.sleep(POLL_SECONDS)
    return True


def rewrite_redis_file(seconds: float) -> bool:
    """Lets Redis rewrite its append-only file, if it has one. Returns whether that is done.

    Raises `BrokerUnavailable`.
    """
    with broker.client() as client:
        if not client.info("persistence")["aof_enabled"]:
            return True
        with suppress(redis.ResponseError):  # a rewrite is running: another one follows it
            client.bgrewriteaof()
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            state = client.info("persistence")
            if not state["aof_rewrite_in_progress"] and not state["aof_rewrite_scheduled"]:
                return bool(state["aof_last_bgrewrite_status"] == "ok")
            time.sleep(POLL_SECONDS)
    return False


def empty_sqlite_log(seconds: float) -> bool:
    """Empties SQLite's write-ahead log. Returns whether that is done; other processes may read from it.

    Call it outside of a transaction: within one there is nothing to empty yet.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return True
    ends_at = time.monotonic() + seconds
    while True:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy, *_ = cursor.fetchone()
        if not is_busy or time.monotonic() > ends_at:
            return not is_busy
        time.sleep(POLL_SECONDS)


def _blank(path: Path, erased: set[int], settled: NumberSet) -> bool:
    """Blanks each frame with an erased number, if all of its numbers are settled. Returns whether none is left."""
    is_done = True
    for frame in segment.frames(path, 0, segment.ALL):
        if not erased.isdisjoint(range(frame.first, frame.last + 1)) and not segment.is_wiped(path, frame):
            if between(frame.first, frame.last) - settled:
                is_done = False
            else:
                segment.blank(path, frame)  # also one that was interrupted
    return is_done


def _name(path: Path) -> SegmentName | None:
    return SegmentName.of(path.with_suffix(segment.SUFFIX))
