"""Slots: the right to run in Django, with the database connections that go with it."""

import threading
from collections import deque
from queue import Empty, SimpleQueue
from threading import get_ident
from typing import TYPE_CHECKING

from django.db import connections
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from common.conf import settings
from common.exceptions import Busy

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


class Slot:
    """Lends its database connections to the thread that holds it.

    Connections would otherwise stay with threads, of which there are many more than slots.
    """

    __slots__ = ("_lent", "_pool")

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._lent: dict[str, BaseDatabaseWrapper] = {}

    def enter(self) -> None:
        """Gives the thread the connections."""
        for alias, connection in self._lent.items():
            connections[alias] = connection

    def leave(self) -> None:
        """Takes the thread's connections, and returns the slot to its pool."""
        try:
            if get_ident() in _connected:
                self._keep_new_connections()
            for alias in self._lent:
                del connections[alias]
        finally:
            self._pool.give(self)

    def _keep_new_connections(self) -> None:
        _connected.discard(get_ident())
        self._lent = {connection.alias: connection for connection in connections.all(initialized_only=True)}
        for connection in self._lent.values():
            if not connection.allow_thread_sharing:
                connection.inc_thread_sharing()


_connected: set[int] = set()  # threads that opened a connection; to ask Django after each request takes microseconds


@receiver(connection_created, weak=False)
def _note_connection(**_: object) -> None:
    _connected.add(get_ident())


class Pool:
    """A fixed number of slots for one kind of requests. The slot that was used last is given first."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._free = [Slot(self) for _ in range(size)]
        self._waiting: deque[SimpleQueue[Slot]] = deque()

    def take(self, *, patiently: bool = False) -> Slot:
        """A slot. Raises `Busy` after QUEUE_SECONDS, unless `patiently`."""
        with self._lock:
            if self._free:
                return self._free.pop()
            turn: SimpleQueue[Slot] = SimpleQueue()
            self._waiting.append(turn)
        try:
            return turn.get(timeout=None if patiently else settings.QUEUE_SECONDS)
        except Empty:
            return self._give_up(turn)

    def give(self, slot: Slot) -> None:
        """Returns a slot: to who has waited longest, if anybody does."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().put(slot)
            else:
                self._free.append(slot)

    def _give_up(self, turn: "SimpleQueue[Slot]") -> Slot:
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
                raise Busy("The gateway has too many requests of this kind. Nothing was done; try again soon.")
        return turn.get()  # it came in the last moment
