"""Writes rows directly when the journal does not take a record: numbered and sealed in an origin of their own."""

import socket
import threading
from collections.abc import Sequence

from django.db import Error

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
        self._origin, self._next, self._last_seal = uuid7(), 1, START

    def write(self, records: Sequence[SealableRecord], contents: Sequence[bytes] = ()) -> None:
        """Commits the records' rows; `contents` are the attachments' bytes of the one record that has any.

        Raises Django's database errors: then no answer may leave for these records. After a failure it is unknown
        whether the numbers were used, so the next records begin another origin.
        """
        with self._lock:
            numbers, seal = [], self._last_seal
            for sequence, record in enumerate(records, start=self._next):
                digest = self._key.digest(record.content())
                seal = self._key.seal(seal, self._origin, sequence, digest)
                numbers.append(Numbered(sequence, digest, seal, record.encode(contents=contents)))
            try:
                write_batch(Batch(self._origin, socket.gethostname(), self._key.id, tuple(numbers)))
            except Error:
                self._origin, self._next, self._last_seal = uuid7(), 1, START
                raise
            self._next, self._last_seal = self._next + len(numbers), seal
