"""Writes rows directly, without the journal: numbered and sealed in an origin of their own."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction

from common.ids import uuid7
from recording import origins
from recording.batches import Batch, Numbered
from recording.ingestion import write_batch
from recording.records import SealableRecord
from recording.seals import START, Key

Place = tuple[UUID, int, bytes]  # an origin, the next number, and the previous seal


class DirectOrigins:
    """Writes one call's records at a time: each seal requires the previous one to be in the database.

    There is one origin, and a further one for each transaction that is not committed yet when another one writes.
    """

    def __init__(self, key: Key) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._free: list[Place] = []  # origins whose numbers are committed
        self._given_up: set[UUID] = set()  # origins that had numbers before a write failed

    def write(self, records: Sequence[SealableRecord], contents: Sequence[bytes] = ()) -> None:
        """Writes the records' rows; `contents` are the attachments' bytes of the one record that has any.

        They are committed with the caller's transaction, if there is one. Raises Django's database errors: then no
        answer may leave for these records. The origin goes on once its numbers are committed. Until then, and after a
        failure, it is unknown whether they are used, so other records are numbered in another origin.
        """
        with self._lock:
            place = self._free.pop() if self._free else (uuid7(), 1, START)
            with self._give_up_on_failure(place):
                batch = self._batch(place, records, contents)
                write_batch(batch)
            free = batch.origin, batch.last + 1, batch.records[-1].seal
            transaction.on_commit(lambda: self._free.append(free))

    def end(self) -> None:
        """Seals that its origins have ended, and begins others. Raises Django's database errors: then some have not.

        An origin whose transaction was rolled back is not known here, nor are those of a process that crashed: see
        `fold_heads.UNCHANGED_FOR`.
        """
        with self._lock:
            while self._free:
                self._given_up.add(self._free.pop()[0])
            while self._given_up:
                origins.end(self._given_up.pop())

    def _batch(self, place: Place, records: Sequence[SealableRecord], contents: Sequence[bytes]) -> Batch:
        (origin, first, seal), numbers = place, []
        for sequence, record in enumerate(records, start=first):
            digest = self._key.digest(record.content())
            seal = self._key.seal(seal, origin, sequence, digest)
            numbers.append(Numbered(sequence, digest, seal, record.encode(contents=contents)))
        return Batch(origin, socket.gethostname(), self._key.id, tuple(numbers))

    @contextmanager
    def _give_up_on_failure(self, place: Place) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if place[1] > 1:
                self._given_up.add(place[0])
            raise
