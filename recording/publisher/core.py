"""One publisher serves a state folder, for the journals of all processes there, the dead ones' included.

A batch that has no receipt in time is sent again, so the queue is a courier and never a record's only home. No more
than `MAX_UNCONFIRMED` batches are on their way at a time, which bounds memory here and messages in Redis, however long
an outage lasts.
"""

import logging
import operator
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from uuid import UUID

from django.db.models import Max, Q

from common import broker, metrics
from recording.batches import WRITE_RECORDS, Batch
from recording.journal import Entry, Spool
from recording.journal.segment import SegmentName
from recording.models import Receipt
from recording.publisher.heads import Heads, end_origin
from recording.publisher.progress import Progress
from recording.publisher.tail import BATCH_BYTES, BATCH_RECORDS, Tail
from recording.seals import UnknownKey, keyring

log = logging.getLogger(__name__)

MAX_UNCONFIRMED = 16  # batches
KEEP_SECONDS = 1.0  # between two notes of how far things are


@dataclass(eq=False)
class _Sent:
    """A batch of one segment's entries that is on its way."""

    segment: SegmentName
    batch: Batch
    start: int  # bytes: where its first entry begins in the segment
    end: int
    sent_at: float = 0.0  # time.monotonic() seconds

    @property
    def receipt(self) -> tuple[UUID, int, int]:
        return self.batch.origin, self.batch.first, self.batch.last


class Publisher:
    """The work itself, one `step` at a time; for the holder of the folder's lock."""

    def __init__(self, folder: Path, *, republish_seconds: float) -> None:
        self._spool = Spool(folder)
        self._republish_seconds = republish_seconds
        self._tails: dict[SegmentName, Tail] = {}
        self._awaited: list[_Sent] = []
        self._heads = Heads(folder)
        self._progress = Progress(folder)
        self._keep_at = 0.0  # time.monotonic() seconds
        self._unreadable: set[SegmentName] = set()
        self._unknown_keys: set[str] = set()
        self._host = socket.gethostname()

    @property
    def is_waiting(self) -> bool:
        """Whether receipts are awaited."""
        return bool(self._awaited)

    def step(self) -> None:
        """Confirms, sends and forgets what can be.

        Raises `BrokerUnavailable`, or Django's database errors: nothing is lost by that, try again later.
        """
        try:
            self._confirm()
            self._find_segments()
            self._send_again()
            self._send_new()
            self._forget()
        finally:
            if time.monotonic() >= self._keep_at:
                self.keep()

    def keep(self) -> None:
        """Notes beside the journal how far things are. A disk that takes no note must not keep records from leaving."""
        self._keep_at = time.monotonic() + KEEP_SECONDS
        confirmed = {name: tail.offset for name, tail in self._tails.items()}
        for sent in self._awaited:
            confirmed[sent.segment] = min(sent.start, confirmed[sent.segment])
        self._progress.note(confirmed)
        try:
            self._heads.save()
            self._progress.save()
        except OSError as exc:
            log.warning("the journal's folder takes no note of what is confirmed: %s", exc.strerror)

    def _confirm(self) -> None:
        if not self._awaited:
            return
        receipts = Receipt.objects.filter(reduce(operator.or_, self._asked()))
        confirmed = set(receipts.values_list("origin", "first", "last"))
        for sent in self._awaited:
            if sent.receipt in confirmed:
                self._heads.raise_to(sent.batch.origin, sent.batch.last)
        self._awaited = [sent for sent in self._awaited if sent.receipt not in confirmed]

    def _asked(self) -> Iterator[Q]:
        """A range of each origin's receipts, no longer than what is awaited of it."""
        for origin in {sent.batch.origin for sent in self._awaited}:
            firsts = [sent.batch.first for sent in self._awaited if sent.batch.origin == origin]
            yield Q(origin=origin, first__range=(min(firsts), max(firsts)))

    def _find_segments(self) -> None:
        names = self._spool.segments()
        new = [name for name in names if name not in self._tails]
        inherited = {origin: self._highest_receipt(origin) for origin in {name.origin for name in new}}
        found = {name: Tail(name, inherited[name.origin]) for name in new}
        self._tails = {name: self._tails.get(name) or found[name] for name in names}

    @staticmethod
    def _highest_receipt(origin: str) -> int:
        return Receipt.objects.filter(origin=UUID(origin)).aggregate(highest=Max("last"))["highest"] or 0

    def _send_again(self) -> None:
        """Sends what must have been lost: overdue, while nothing waits for a worker.

        Messages that wait only need a worker; more of them would help nobody and fill Redis.
        """
        overdue = time.monotonic() - self._republish_seconds
        late = [sent for sent in self._awaited if sent.sent_at < overdue]
        if late and not broker.waiting(broker.LOGS_QUEUE):
            for sent in late:
                log.warning("%s were not confirmed in time and are sent again", sent.batch)
                self._send(sent)

    def _send_new(self) -> None:
        for name, tail in self._tails.items():
            if not self._can_be_written(name):
                continue
            with self._readable(name):
                self._send_from(tail)

    def _send_from(self, tail: Tail) -> None:
        """Full messages, and one with the rest: what arrives meanwhile is for the next step, not for more messages."""
        is_full = True
        while is_full and self._may_send and (entries := tail.next_run(self._spool)):
            sent = self._sent(tail.name, entries)
            self._send(sent)
            tail.pass_over(entries)
            self._awaited.append(sent)
            is_full = len(entries) == BATCH_RECORDS or sent.end - sent.start >= BATCH_BYTES

    def _can_be_written(self, name: SegmentName) -> bool:
        """Workers settle nothing that an unknown key sealed; it waits here, not in the place of others."""
        try:
            keyring().find(name.key_id)
        except UnknownKey as exc:
            if name.key_id not in self._unknown_keys:
                log.error("%s and others like it wait: %s", name, exc)
            self._unknown_keys.add(name.key_id)
            return False
        return True

    @property
    def _may_send(self) -> bool:
        held = sum(sent.end - sent.start for sent in self._awaited)
        return len(self._awaited) < MAX_UNCONFIRMED and held < MAX_UNCONFIRMED * BATCH_BYTES

    def _sent(self, name: SegmentName, entries: list[Entry]) -> _Sent:
        batch = Batch.of(UUID(name.origin), self._host, name.key_id, entries)
        return _Sent(name, batch, entries[0].start, entries[-1].end)

    @contextmanager
    def _readable(self, name: SegmentName) -> Iterator[None]:
        """A segment that can't be read stays where it is, and must not keep the others from leaving."""
        try:
            yield
        except OSError as exc:
            if name not in self._unreadable:
                log.error("%s can't be read and stays where it is: %s", name, exc.strerror)
            self._unreadable.add(name)

    def _send(self, sent: _Sent) -> None:
        message = sent.batch.as_message()
        broker.send(WRITE_RECORDS, message, queue=broker.LOGS_QUEUE, shown_as=str(sent.batch))
        metrics.count_batch(again=bool(sent.sent_at))
        sent.sent_at = time.monotonic()

    def _forget(self) -> None:
        """Lets go of segments that nobody writes to, that are read to their end and wholly confirmed."""
        awaited = {sent.segment for sent in self._awaited}
        for name, tail in list(self._tails.items()):
            with self._readable(name):
                if tail.is_read and name not in awaited and self._spool.is_over(name):
                    self._let_go(name, tail)

    def _let_go(self, name: SegmentName, tail: Tail) -> None:
        if any(self._spool.read(name, tail.offset, 1)):  # its writer's last words
            return
        if self._spool.is_last(name):
            end_origin(UUID(name.origin))
        self.keep()
        if not self._spool.forget(name, tail.offset, damaged=tail.is_damaged) and not tail.is_damaged:
            log.error("%s is damaged from byte %d on: numbers after %d are lost", name, tail.offset, tail.last)
        del self._tails[name]
        own = Receipt.objects.filter(origin=UUID(name.origin), first__gte=tail.first, last__lte=tail.last)
        own.delete()
