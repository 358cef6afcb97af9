"""The publisher: one for a state folder, for the journals of all processes there, including exited ones.

A batch that is not settled in time is sent again, so the queue never holds the only copy of a record. At most
`MAX_UNCONFIRMED` batches are unconfirmed at a time, which limits memory here and messages in Redis during any outage.

Large records are sent one by one, after the small ones of a step. One that can't be sent holds up no other record.
"""

import logging
import math
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db import Error

from common import broker, metrics
from common.broker import BrokerUnavailable
from common.number_set import NumberSet, between
from recording import ingestion, origins, sources
from recording.batches import WRITE_RECORDS, Batch
from recording.journal import Spool
from recording.journal.segment import SegmentName
from recording.models import Origin
from recording.publisher import forks, large_records
from recording.publisher.heads import Heads
from recording.publisher.large_records import LargeRecord
from recording.publisher.progress import Progress
from recording.publisher.segment_reader import BATCH_BYTES, BATCH_RECORDS, Located, SegmentReader
from recording.seals import UnknownKey, keyring

log = logging.getLogger(__name__)

MAX_UNCONFIRMED = 16  # batches, and as many of large records
SAVE_SECONDS = 1.0  # between two saves of the progress
CHECK_SECONDS = 60.0  # between two looks whether what was confirmed still is
CLOCK_SKEW_SECONDS = 2.0  # between hosts that share a queue


@dataclass(eq=False)
class _Sent:
    """A batch of one segment's entries that was sent and is not yet confirmed."""

    segment: SegmentName
    batch: Batch
    start: int  # from where in the segment it can be read again
    nbytes: int  # of the payloads that were sent
    is_large: bool
    sent_at: float = 0.0  # seconds since 1970; 0: not yet
    late_at: float = 0.0  # time.monotonic() seconds


class Publisher:
    """Publishes, one `step` at a time; only for the holder of the folder's lock."""

    def __init__(self, folder: Path, *, republish_seconds: float) -> None:
        self._spool = Spool(folder)
        self._republish_seconds = republish_seconds
        self._readers: dict[SegmentName, SegmentReader] = {}
        self._awaited: list[_Sent] = []
        self._large: list[LargeRecord] = []
        self._heads = Heads(folder)
        self._progress = Progress(folder)
        self._save_at = 0.0  # time.monotonic() seconds
        self._check_at = 0.0
        self._unreadable: set[SegmentName] = set()
        self._unknown_keys: set[str] = set()
        self._host = socket.gethostname()

    @property
    def is_waiting(self) -> bool:
        """Whether any batch is unconfirmed, or any large record is not sent yet."""
        return bool(self._awaited or self._large)

    def step(self) -> None:
        """Confirms batches, sends new and overdue ones, and removes confirmed segments.

        Raises `BrokerUnavailable`, or Django's database errors: nothing is lost, and the next step tries again.
        """
        try:
            self._confirm()
            self._find_segments()
            self._send_again()
            self._send_new()
            self._send_large()
            self._remove_confirmed()
            if time.monotonic() >= self._save_at:
                self._heads.update()
        finally:
            if time.monotonic() >= self._save_at:
                self.save_progress()

    def save_progress(self) -> None:
        """Saves the progress and heads beside the journal. A disk error here must not stop publishing."""
        self._save_at = time.monotonic() + SAVE_SECONDS
        confirmed = {name: reader.offset for name, reader in self._readers.items()}
        for name, start in self._unconfirmed():
            confirmed[name] = min(start, confirmed[name])
        self._progress.update(confirmed)
        try:
            self._heads.save()
            self._progress.save()
        except OSError as exc:
            log.warning("the publisher's progress can't be saved in the journal's folder: %s", exc.strerror)

    def _confirm(self) -> None:
        if not self._awaited:
            return
        settled = _settled({sent.batch.origin for sent in self._awaited})
        self._awaited = [sent for sent in self._awaited if not _is_settled(sent.batch, settled[sent.batch.origin])]

    def _find_segments(self) -> None:
        names = self._spool.segments()
        new = [name for name in names if name not in self._readers]
        settled = _settled({UUID(name.origin) for name in new})
        new_readers = {name: SegmentReader(name, settled[UUID(name.origin)] or NumberSet()) for name in new}
        self._readers = {name: self._readers.get(name) or new_readers[name] for name in names}

    def _send_again(self) -> None:
        """Sends late batches again if their messages have left the queue: then they were lost.

        Workers take messages in the order in which they were sent. So if the next one was sent after a batch, that one
        is not queued any more. What is still queued only needs a worker; duplicates would fill Redis.
        """
        now = time.monotonic()
        late = [sent for sent in self._awaited if sent.late_at <= now]
        oldest = _oldest_waiting() if late else 0.0
        for sent in late:
            sent.sent_at = min(sent.sent_at, time.time())  # the clock may have stepped back
            if sent.sent_at + CLOCK_SKEW_SECONDS < oldest:
                log.warning("%s were not confirmed in time and are sent again", sent.batch)
                if sent.is_large:
                    self._awaited.remove(sent)
                    self._large.append(LargeRecord(sent.segment, sent.batch.first, sent.start, sent.sent_at))
                else:
                    self._send(sent)
            else:
                sent.late_at = now + self._republish_seconds / 4  # not in each step: the look costs a whole message

    def _send_new(self) -> None:
        for name, reader in self._readers.items():
            if not self._has_known_key(name):
                continue
            with self._skip_unreadable(name):
                self._send_from(reader)

    def _send_from(self, reader: SegmentReader) -> None:
        """Sends full batches, then one with the rest. Later entries wait for the next step, to share a batch.

        Large records are only noted: see `_send_large`.
        """
        is_full = True
        while self._may_send(large=False) and (entries := reader.next_entries(self._spool)):
            if entries[0].is_large:
                self._large.append(LargeRecord(reader.name, entries[0].entry.sequence, entries[0].start))
                is_full = True  # the batch before ended here
            elif is_full:
                sent = self._sent(reader.name, entries)
                self._send(sent)
                self._awaited.append(sent)
                is_full = len(entries) == BATCH_RECORDS or _payload_bytes(entries) >= BATCH_BYTES // 2
            else:
                return
            reader.advance(entries)

    def _send_large(self) -> None:
        """Sends large records that are due, for about a second. One that can't be sent is passed over for a while."""
        ends_at = time.monotonic() + large_records.SECONDS
        for each in [each for each in self._large if each.due_at < time.monotonic()]:
            if time.monotonic() >= ends_at or not self._may_send(large=True):
                return
            broker.waiting(broker.LOGS_QUEUE)  # if Redis hangs, this shows it sooner than a large message
            with self._skip_unreadable(each.segment):
                self._send_one(each)

    def _send_one(self, record: LargeRecord) -> None:
        try:
            entry = record.entry(self._spool)
        except OSError:
            record.pass_over()
            raise
        if entry is None:
            self._give_up(record)
            return
        try:
            sent = self._sent(record.segment, [Located(entry, record.start, record.start)], record.sent_at)
            self._send(sent)
        except (BrokerUnavailable, Error) as exc:
            self._require_services()
            reason = exc if isinstance(exc, BrokerUnavailable) else f"the database refuses it ({type(exc).__name__})"
            log.warning("%s is passed over for %d s: %s", record, record.pass_over(), reason)
            return
        self._large.remove(record)
        self._awaited.append(sent)

    def _give_up(self, record: LargeRecord) -> None:
        """Forgets a record that the journal no longer has: its frame was damaged, or erased once it was settled."""
        self._large.remove(record)
        origin = UUID(record.segment.origin)
        if record.sequence not in (_settled({origin})[origin] or ()):
            log.error("%s is damaged and can't be sent", record)
            self._readers[record.segment].is_damaged = True

    def _require_services(self) -> None:
        """Raises `BrokerUnavailable` or a database error if Redis or the database is down: no record is at fault."""
        broker.waiting(broker.LOGS_QUEUE)
        Origin.objects.exists()

    def _has_known_key(self, name: SegmentName) -> bool:
        """A segment with an unknown key stays here: no worker can write it, and it would take the place of others."""
        try:
            keyring().find(name.key_id)
        except UnknownKey as exc:
            if name.key_id not in self._unknown_keys:
                log.error("%s and other segments with its key wait: %s", name, exc)
            self._unknown_keys.add(name.key_id)
            return False
        return True

    def _may_send(self, *, large: bool) -> bool:
        unconfirmed = [sent.nbytes for sent in self._awaited if sent.is_large == large]
        return len(unconfirmed) < MAX_UNCONFIRMED and sum(unconfirmed) < MAX_UNCONFIRMED * BATCH_BYTES

    def _sent(self, name: SegmentName, located: list[Located], sent_at: float = 0.0) -> _Sent:
        entries = [each.entry for each in located]
        batch = sources.before_publish(Batch.of(UUID(name.origin), self._host, name.key_id, entries))
        nbytes = sum(len(record.payload) for record in batch.records)
        return _Sent(name, batch, located[0].start, nbytes, located[0].is_large, sent_at)

    @contextmanager
    def _skip_unreadable(self, name: SegmentName) -> Iterator[None]:
        """Skips a segment that can't be read: it stays in place, and must not stop the others."""
        try:
            yield
        except OSError as exc:
            if name not in self._unreadable:
                log.error("%s can't be read and stays in place: %s", name, exc.strerror)
            self._unreadable.add(name)

    def _send(self, sent: _Sent) -> None:
        message = sent.batch.as_message()
        broker.send(WRITE_RECORDS, message, queue=broker.LOGS_QUEUE, shown_as=str(sent.batch))
        metrics.count_batch(again=bool(sent.sent_at))
        sent.sent_at = time.time()
        sent.late_at = time.monotonic() + self._republish_seconds

    def _unconfirmed(self) -> list[tuple[SegmentName, int]]:
        """The segment and the offset of each batch that is not confirmed, and of each large record that waits."""
        awaited = [(sent.segment, sent.start) for sent in self._awaited]
        return awaited + [(record.segment, record.start) for record in self._large]

    def _remove_confirmed(self) -> None:
        """Removes segments that are closed, read to their end and completely confirmed, unless a backup runs."""
        if self._spool.is_held():
            return
        awaited = {name for name, _ in self._unconfirmed()}
        confirmed = [name for name, reader in self._readers.items() if reader.is_read and name not in awaited]
        if is_due := time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + CHECK_SECONDS
        for name in confirmed:
            with self._skip_unreadable(name):
                is_closed = self._spool.is_closed(name)
                if (is_closed or is_due) and self._has_lost(name):
                    del self._readers[name]  # it is read again from its start
                elif (is_closed or is_due) and forks.rescue(self._spool, self._readers[name]) and is_closed:
                    self._remove_segment(name, self._readers[name])

    def _has_lost(self, name: SegmentName) -> bool:
        """Whether the database no longer has records of a segment that it had confirmed.

        It does after a fail-over to a standby that lacks the last commits, and after a restored backup.
        """
        reader, origin = self._readers[name], UUID(name.origin)
        settled = _settled({origin})[origin]
        if settled is None:
            present = ingestion.present(origin, reader.first, reader.last)
            settled = NumberSet((number, number) for number in present)
        lost = reader.unsettled(self._spool, settled)
        if lost:
            log.error("the database has lost the numbers %s of %s: they are sent again", lost, name)
        return bool(lost)

    def _remove_segment(self, name: SegmentName, reader: SegmentReader) -> None:
        if any(reader.frames(self._spool)):  # its writer added frames before it closed the file
            return
        if self._spool.is_last(name):
            origins.end(UUID(name.origin))
        self._heads.update()
        self.save_progress()
        if not self._spool.remove(name, reader.offset, damaged=reader.is_damaged) and not reader.is_damaged:
            log.error("%s is damaged from byte %d on: numbers after %d are lost", name, reader.offset, reader.last)
        del self._readers[name]


def _oldest_waiting() -> float:
    """As `broker.oldest_waiting`; 0 too for a message from a clock that was ahead, which tells nothing about others."""
    oldest = broker.oldest_waiting(broker.LOGS_QUEUE)
    return 0.0 if time.time() + CLOCK_SKEW_SECONDS < oldest < math.inf else oldest


def _payload_bytes(located: list[Located]) -> int:
    return sum(len(each.entry.payload) for each in located)


def _settled(ids: set[UUID]) -> dict[UUID, NumberSet | None]:
    """The settled numbers of these origins; None where the head's seal does not verify, so that it is not believed."""
    heads = origins.find(ids) if ids else {}
    unknown = {origin: NumberSet() for origin in ids if origin not in heads}
    return unknown | {origin: head.settled if head.is_genuine else None for origin, head in heads.items()}


def _is_settled(batch: Batch, settled: NumberSet | None) -> bool:
    """Whether each number of the batch is settled: by its head or, failing that, by its rows and dispositions."""
    numbers = between(batch.first, batch.last)
    if settled is None:
        return set(numbers) <= ingestion.present(batch.origin, batch.first, batch.last)
    return not numbers - settled
