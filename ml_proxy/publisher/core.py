"""One publisher serves a state folder, for the journals of all processes there, the dead ones' included.

A batch that has no receipt in time is sent again, so the queue is a courier and never a record's only home. No more
than `MOST_UNCONFIRMED` batches are on their way at a time, which bounds memory here and messages in Redis, however long
an outage lasts.
"""

import logging
import time
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from uuid import UUID

from ml_proxy import courier
from ml_proxy.journal import Entry, Spool
from ml_proxy.journal.segment import SegmentName
from ml_proxy.models import Receipt

log = logging.getLogger(__name__)

BATCH_RECORDS = 200
BATCH_BYTES = 1024 * 1024
MOST_UNCONFIRMED = 16  # batches


@dataclass(eq=False)
class _Batch:
    """Consecutive records of one segment, as one message."""

    segment: SegmentName
    entries: list[Entry]
    sent_at: float = 0.0  # time.monotonic() seconds

    @property
    def receipt(self) -> tuple[UUID, int, int]:
        return UUID(self.segment.origin), self.entries[0].sequence, self.entries[-1].sequence


@dataclass
class _Tail:
    """How far a segment has been read, and which of its origin's records an earlier publisher got confirmed."""

    settled: list[tuple[int, int]] = field(default_factory=list)
    offset: int = 0  # bytes
    first: int = 0  # sequences read, 0 for none
    last: int = 0

    def is_settled(self, entry: Entry) -> bool:
        return any(first <= entry.sequence <= last for first, last in self.settled)

    def move_behind(self, entries: list[Entry]) -> None:
        self.first = self.first or entries[0].sequence
        self.last = entries[-1].sequence
        self.offset = entries[-1].end


class Publisher:
    """The work itself, one `step` at a time; for the holder of the folder's lock."""

    def __init__(self, folder: Path, *, republish_seconds: float) -> None:
        self._spool = Spool(folder)
        self._republish_seconds = republish_seconds
        self._tails: dict[SegmentName, _Tail] = {}
        self._awaited: list[_Batch] = []

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
        origins = {batch.receipt[0] for batch in self._awaited}
        lowest = min(batch.receipt[1] for batch in self._awaited)
        found = Receipt.objects.filter(origin__in=origins, first__gte=lowest)
        confirmed = set(found.values_list("origin", "first", "last"))
        self._awaited = [batch for batch in self._awaited if batch.receipt not in confirmed]

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
        late = [batch for batch in self._awaited if batch.sent_at < overdue]
        if late and not courier.waiting(courier.LOGS_QUEUE):
            for batch in late:
                log.warning(
                    "records %s-%s of %s were not confirmed in time, sent again",
                    *batch.receipt[1:],
                    batch.receipt[0],
                )
                self._send(batch)

    def _send_new(self) -> None:
        for name, tail in self._tails.items():
            while len(self._awaited) < MOST_UNCONFIRMED and (batch := self._next_batch(name, tail)):
                self._send(batch)
                tail.move_behind(batch.entries)
                self._awaited.append(batch)

    def _next_batch(self, name: SegmentName, tail: _Tail) -> _Batch | None:
        """The next run of unsettled records; None when all is read."""
        unread = self._spool.read(name, tail.offset, BATCH_BYTES)
        for is_settled, run in groupby(unread, key=tail.is_settled):
            if not is_settled:
                return _Batch(name, list(islice(run, BATCH_RECORDS)))
            tail.move_behind(list(run))
        return None

    def _send(self, batch: _Batch) -> None:
        origin, first, last = batch.receipt
        courier.send(
            courier.WRITE_RECORDS,
            {
                "origin": str(origin),
                "first": first,
                "records": [entry.payload.decode() for entry in batch.entries],
            },
            queue=courier.LOGS_QUEUE,
            shown_as=f"{len(batch.entries)} records, {first}-{last} of {origin}",
        )
        batch.sent_at = time.monotonic()

    def _forget(self) -> None:
        """Lets go of segments that nobody writes to, that are read to their end and wholly confirmed."""
        awaited = {batch.segment for batch in self._awaited}
        for name, tail in list(self._tails.items()):
            if name in awaited or not self._spool.is_over(name) or any(self._spool.read(name, tail.offset, 1)):
                continue
            if not self._spool.forget(name, tail.offset):
                log.warning("%s ends in a torn or damaged entry; what could be read is in the log", name)
            del self._tails[name]
            own = Receipt.objects.filter(origin=UUID(name.origin), first__gte=tail.first, last__lte=tail.last)
            own.delete()
