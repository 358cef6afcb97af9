"""Rows written without the journal, when it does not take a record: numbered and sealed in an origin of their own."""

import socket
import threading

from django.db import DatabaseError, InterfaceError

from ml_proxy.batches import Batch, Numbered
from ml_proxy.ids import uuid7
from ml_proxy.records import Record
from ml_proxy.seals import START, Key
from ml_proxy.use_cases.writing import write_batch


class DirectOrigin:
    """Writes one record at a time, since each number's seal needs the one before to be in the database."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._origin, self._next, self._last_seal = uuid7(), 1, START

    def write(self, record: Record) -> None:
        """Commits the record's row. Raises Django's database errors; then it is not answered for.

        After a failure nobody knows whether the number was used, so the next record begins another origin.
        """
        with self._lock:
            digest = self._key.digest(record.content())
            seal = self._key.seal(self._last_seal, self._origin, self._next, digest)
            number = Numbered(self._next, digest, seal, record.encode())
            try:
                write_batch(Batch(self._origin, socket.gethostname(), self._key.id, (number,)))
            except (DatabaseError, InterfaceError):
                self._origin, self._next, self._last_seal = uuid7(), 1, START
                raise
            self._next, self._last_seal = self._next + 1, seal
