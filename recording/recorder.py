"""Makes a record durable before its answer leaves: in the journal, or else as a row, or else the answer is withheld.

`record_as_row` is for records that must be rows at once.
"""

import logging
import os
from collections.abc import Sequence
from functools import lru_cache
from multiprocessing.util import Finalize

from django.db import Error

from common import metrics, tracing
from common.conf import settings
from common.database_errors import trouble
from common.ids import uuid7
from recording.direct_writes import DirectOrigins
from recording.exceptions import NoRoom, NotRecorded
from recording.journal import JournalFull, JournalStalled, JournalUnwritable, Writer, journal_folder
from recording.records import SealableRecord, encrypted
from recording.seals import keyring

log = logging.getLogger(__name__)

_direct_origins: dict[str, DirectOrigins] = {}  # by source

ANSWER_BYTES = 64 * 1024  # an upper bound for most answers and a record's own members


class _Place:
    """Where this process keeps records until they are rows."""

    has_journal = True


def without_journal() -> None:
    """This process writes rows directly from now on: a worker may run on a host where no publisher reads a journal."""
    _Place.has_journal = False


class CapacityReservation:
    """Reserves journal space for a record with a body of this size, before the model is called. Raises `NoRoom`."""

    __slots__ = ("_bytes", "_writer")

    def __init__(self, body_bytes: int) -> None:
        self._bytes = body_bytes + ANSWER_BYTES
        self._writer: Writer | None = None

    def __enter__(self) -> None:
        if not _Place.has_journal:
            return
        try:
            writer = _writer()
            writer.reserve(self._bytes)
            self._writer = writer
        except JournalFull as exc:
            raise NoRoom(f"The model was not called: {exc}. Try again once the log has caught up.") from exc
        except JournalStalled as exc:
            raise NoRoom(f"The model was not called: {exc}.") from exc
        except (JournalUnwritable, OSError) as exc:
            log.warning("the journal can't be used, rows are written directly: %s", type(exc).__name__)

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.release(self._bytes)


def record(item: SealableRecord, contents: Sequence[bytes] = ()) -> None:
    """Makes `item` durable, with its attachments' contents. Raises `NotRecorded`: then no answer may leave for it.

    It then never becomes a row, unless the journal's disk hung in the middle of writing it. A disk that hangs is not
    worked around: the database may lie on the same one.
    """
    if not _Place.has_journal:
        _write_directly(item, contents)
        return
    try:
        _append(item, contents)
    except JournalStalled as exc:
        metrics.count_records({"withheld": 1})
        raise NotRecorded(f"The answer is withheld: {exc}.") from exc
    except (JournalUnwritable, OSError) as exc:
        log.warning("the journal did not take a record, its row is written directly: %s", type(exc).__name__)
        _write_directly(item, contents)
    else:
        metrics.count_records({"journaled": 1})


def record_without_reservation(item: SealableRecord) -> None:
    """As `record`, for a small record without a `CapacityReservation`.

    If the journal has no room, its row is written directly: what answers are built from the database need it anyway.
    """
    if _is_full(item.payload_bytes):
        _write_directly(item, ())
    else:
        record(item)


def _is_full(payload_bytes: int) -> bool:
    """Whether the journal has reached its size limit. `record` handles all other trouble."""
    try:
        writer, size = _writer(), payload_bytes + ANSWER_BYTES
        writer.reserve(size)
        writer.release(size)
    except JournalFull:
        return True
    except (JournalStalled, JournalUnwritable, OSError):
        return False
    return False


@tracing.trace_step("append to journal")
def _append(item: SealableRecord, contents: Sequence[bytes]) -> None:
    _writer().append(encrypted(item.encode(tracing.current_traceparent(), contents)), item.content())


@tracing.trace_step("write row")
def _write_directly(item: SealableRecord, contents: Sequence[bytes]) -> None:
    try:
        _direct(item.SOURCE).write([item], contents)
    except Error as exc:
        metrics.count_records({"withheld": 1})
        raise NotRecorded("Neither the journal nor the database takes the record, so the answer is withheld.") from exc
    metrics.count_records({"direct": 1})


@lru_cache(maxsize=1)
def _writer() -> Writer:
    return Writer(
        journal_folder(),
        new_origin=uuid7,
        key=keyring().current,
        max_bytes=settings.JOURNAL_MAX_BYTES,
        segment_bytes=settings.JOURNAL_SEGMENT_BYTES,
        write_seconds=settings.JOURNAL_WRITE_SECONDS,
    )


@tracing.trace_step("write row")
def record_as_row(item: SealableRecord) -> None:
    """Writes the row of `item` in the caller's transaction, without the journal. Raises Django's database errors.

    For a record that depends on other rows. The caller has to check that it became a row.
    """
    _direct(item.SOURCE).write([item])


def _direct(source: str) -> DirectOrigins:
    """Each source has its own: erasing rows of one source may hold their head and wait for another source's lock."""
    if not _direct_origins:  # `Finalize` also runs in forked children of `multiprocessing`; `atexit` does not
        Finalize(None, _end_direct, exitpriority=0)
    if source not in _direct_origins:
        _direct_origins.setdefault(source, DirectOrigins(keyring().current))
    return _direct_origins[source]


def reset() -> None:
    """Ends this process' origins; the next record begins a new one."""
    _forget_journal()
    _end_direct()


def _forget_journal() -> None:
    if _writer.cache_info().currsize:
        _writer().close()
        _writer.cache_clear()


def _end_direct() -> None:
    """An error here must not stop an exit: an origin that was not ended is folded all the same, only later."""
    for each in _direct_origins.values():
        try:
            each.end()
        except Error as exc:
            log.warning("origins of rows that were written directly are not ended: %s", trouble(exc) or "the database")
    _direct_origins.clear()


def _forget() -> None:
    """A forked child must not use its parent's origins, nor end them."""
    _forget_journal()
    _direct_origins.clear()


os.register_at_fork(after_in_child=_forget)
