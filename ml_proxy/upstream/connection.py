"""Connections to the model server: each serves one exchange at a time, and is kept for the next one if it may be."""

import os
import select
import socket
import weakref
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

from common.conf import settings
from ml_proxy.upstream import deadline

READ_AT_ONCE = 64 * 1024
JOINED_BYTES = 64 * 1024  # up to which a body is worth copying behind its head, to leave in one packet
PORTS = {"http": 80, "https": 443}

Option = tuple[int, int, int]


class Connection:
    """A socket that is held to the current budget."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = memoryview(bytearray(READ_AT_ONCE))
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def send(self, head: bytes, body: bytes) -> None:
        """Sends a request. One that the other side no longer reads may be answered all the same. Raises `OSError`."""
        with suppress(BrokenPipeError):
            if len(body) <= JOINED_BYTES:
                self._sock.sendall(head + body)
            else:
                self._sock.sendall(head)
                self._sock.sendall(body)

    def receive(self) -> memoryview:
        """What has come, valid until the next call; empty at the end. Raises `OSError`."""
        return self._buffer[: self._sock.recv_into(self._buffer)]

    @property
    def is_quiet(self) -> bool:
        """Whether it is open and nothing has come that nobody asked for."""
        return not self._poll.poll(0)

    def close(self) -> None:
        """Ends it."""
        self._sock.close()


class Server:
    """A model server's address, and the connections to it that nobody uses just now."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        self._tls = deadline.tls_context() if parts.scheme == "https" else None
        self.authority = parts.netloc.rpartition("@")[2]
        self.path = parts.path.rstrip("/")
        self._kept: deque[Connection] = deque()
        weakref.finalize(self, _close_all, self._kept)

    def take(self, granted: deadline.Budget) -> Connection:
        """A connection that is kept and still open, the last used first, else a new one. Raises `OSError`."""
        while self._kept:
            with suppress(IndexError):  # another thread took it
                connection = self._kept.pop()
                if connection.is_quiet:
                    return connection
                connection.close()
        return self.connect(granted)

    def keep(self, connection: Connection) -> None:
        """For the next exchange."""
        self._kept.append(connection)

    def connect(self, granted: deadline.Budget, options: Iterable[Option] = ()) -> Connection:
        """A new one, its certificate checked where it is TLS. Raises `OSError`."""
        seconds = min(settings.UPSTREAM_CONNECT_SECONDS, granted.left())
        opened = socket.create_connection((self._host, self._port), seconds)
        try:
            for option in [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *options]:
                opened.setsockopt(*option)
            if self._tls is not None:
                return Connection(self._tls.wrap_socket(opened, server_hostname=self._host))
            return Connection(deadline.BudgetedSocket.adopt(opened))
        except BaseException:
            opened.close()
            raise


def _close_all(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.close()


@lru_cache(maxsize=2)
def server_at(url: str) -> Server:
    """The one that the setting names."""
    return Server(url)


os.register_at_fork(after_in_child=server_at.cache_clear)  # two processes must not speak on one connection
