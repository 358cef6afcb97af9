"""Writes rows directly, without the journal: numbered and sealed in an origin of their own."""

import socket
import threading
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from common.ids import uuid7
from recording.batches import Batch, Numbered
from recording.ingestion import write_batch
from recording.records import SealableRecord
from recording.seals import START, Key


class DirectOrigin:
    """Writes one call's records at a time: each seal requires the previous one to be in the database."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._next = uuid7(), 1, START  # the origin, the next number, and the previous seal

    def write(self, records: Sequence[SealableRecord], contents: Sequence[bytes] = ()) -> None:
        """Writes the records' rows; `contents` are the attachments' bytes of the one record that has any.

        They are committed with the caller's transaction, if there is one. Raises Django's database errors: then no
        answer may leave for these records. The origin goes on once its numbers are committed. Until then, and after a
        failure, it is unknown whether they are used, so other records begin another origin.
        """
        with self._lock:
            (origin, first, seal), self._next = self._next, (uuid7(), 1, START)
            numbers = []
            for sequence, record in enumerate(records, start=first):
                digest = self._key.digest(record.content())
                seal = self._key.seal(seal, origin, sequence, digest)
                numbers.append(Numbered(sequence, digest, seal, record.encode(contents=contents)))
            write_batch(Batch(origin, socket.gethostname(), self._key.id, tuple(numbers)))
            transaction.on_commit(lambda: self._go_on((origin, first + len(numbers), seal)))

    def _go_on(self, place: tuple[UUID, int, bytes]) -> None:
        self._next = place
