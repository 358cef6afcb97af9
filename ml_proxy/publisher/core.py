"""One publisher serves a state folder, for the journals of all processes there, the dead ones' included.

A batch that has no receipt in time is sent again, so the queue is a courier and never a record's only home. No more
than `MOST_UNCONFIRMED` batches are on their way at a time, which bounds memory here and messages in Redis, however long
an outage lasts.
"""

import logging
import socket
import time
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from uuid import UUID

from ml_proxy import courier
from ml_proxy.batches import Batch
from ml_proxy.journal import Entry, Spool
from ml_proxy.journal.segment import SegmentName
from ml_proxy.models import Receipt
from ml_proxy.publisher.heads import Heads, end_origin

log = logging.getLogger(__name__)

BATCH_RECORDS = 200
BATCH_BYTES = 1024 * 1024
MOST_UNCONFIRMED = 16  # batches


@dataclass(eq=False)
class _Sent:
    """A batch of one segment's entries that is on its way."""

    segment: SegmentName
    batch: Batch
    end: int  # bytes: where its last entry ends in the segment
    sent_at: float = 0.0  # time.monotonic() seconds

    @property
    def receipt(self) -> tuple[UUID, int, int]:
        return self.batch.origin, self.batch.first, self.batch.last


@dataclass
class _Tail:
    """How far a segment has been read, and which of its origin's records an earlier publisher got confirmed."""

    settled: list[tuple[int, int]] = field(default_factory=list)
    offset: int = 0  # bytes
    first: int = 0  # sequences read, 0 for none
    last: int = 0

    def is_settled(self, entry: Entry) -> bool:
        return any(first <= entry.sequence <= last for first, last in self.settled)

    def move_behind(self, first: int, last: int, end: int) -> None:
        self.first = self.first or first
        self.last = last
        self.offset = end


class Publisher:
    """The work itself, one `step` at a time; for the holder of the folder's lock."""

    def __init__(self, folder: Path, *, republish_seconds: float) -> None:
        self._spool = Spool(folder)
        self._republish_seconds = republish_seconds
        self._tails: dict[SegmentName, _Tail] = {}
        self._awaited: list[_Sent] = []
        self._heads = Heads(folder)
        self._host = socket.gethostname()

    @property
    def is_waiting(self) -> bool:
        """Whether receipts are awaited."""
        return bool(self._awaited)

    def step(self) -> None:
        """Confirms, sends and forgets what can be.

        Raises `CourierDown`, or Django's database errors: nothing is lost by that, try again later.
        """
        self._confirm()
        self._find_segments()
        self._send_again()
        self._send_new()
        self._forget()

    def _confirm(self) -> None:
        if not self._awaited:
            return
        origins = {sent.batch.origin for sent in self._awaited}
        lowest = min(sent.batch.first for sent in self._awaited)
        found = Receipt.objects.filter(origin__in=origins, first__gte=lowest)
        confirmed = set(found.values_list("origin", "first", "last"))
        for sent in self._awaited:
            if sent.receipt in confirmed:
                self._heads.raise_to(sent.batch.origin, sent.batch.last)
        self._awaited = [sent for sent in self._awaited if sent.receipt not in confirmed]
        self._heads.save()

    def _find_segments(self) -> None:
        names = self._spool.segments()
        for name in names:
            if name not in self._tails:
                receipts = Receipt.objects.filter(origin=UUID(name.origin))
                self._tails[name] = _Tail(settled=list(receipts.values_list("first", "last")))
        self._tails = {name: self._tails[name] for name in names}

    def _send_again(self) -> None:
        """Sends what must have been lost: overdue, while nothing waits for a worker.

        Messages that wait only need a worker; more of them would help nobody and fill Redis.
        """
        overdue = time.monotonic() - self._republish_seconds
        late = [sent for sent in self._awaited if sent.sent_at < overdue]
        if late and not courier.waiting(courier.LOGS_QUEUE):
            for sent in late:
                log.warning("%s were not confirmed in time and are sent again", sent.batch)
                self._send(sent)

    def _send_new(self) -> None:
        for name, tail in self._tails.items():
            while len(self._awaited) < MOST_UNCONFIRMED and (sent := self._next_batch(name, tail)):
                self._send(sent)
                tail.move_behind(sent.batch.first, sent.batch.last, sent.end)
                self._awaited.append(sent)

    def _next_batch(self, name: SegmentName, tail: _Tail) -> _Sent | None:
        """The next run of unsettled records; None when all is read."""
        unread = self._spool.read(name, tail.offset, BATCH_BYTES)
        for is_settled, run in groupby(unread, key=tail.is_settled):
            entries = list(islice(run, None if is_settled else BATCH_RECORDS))
            if not is_settled:
                batch = Batch.of(UUID(name.origin), self._host, name.key_id, entries)
                return _Sent(name, batch, entries[-1].end)
            tail.move_behind(entries[0].sequence, entries[-1].sequence, entries[-1].end)
        return None

    def _send(self, sent: _Sent) -> None:
        message = sent.batch.as_message()
        courier.send(courier.WRITE_RECORDS, message, queue=courier.LOGS_QUEUE, shown_as=str(sent.batch))
        sent.sent_at = time.monotonic()

    def _forget(self) -> None:
        """Lets go of segments that nobody writes to, that are read to their end and wholly confirmed."""
        awaited = {sent.segment for sent in self._awaited}
        for name, tail in list(self._tails.items()):
            if name in awaited or not self._spool.is_over(name) or any(self._spool.read(name, tail.offset, 1)):
                continue
            if not self._spool.has(name.following):
                end_origin(UUID(name.origin))
            if not self._spool.forget(name, tail.offset):
                log.warning("%s ends in a torn or damaged entry; what could be read is in the log", name)
            del self._tails[name]
            own = Receipt.objects.filter(origin=UUID(name.origin), first__gte=tail.first, last__lte=tail.last)
            own.delete()
