"""Connections that serve one exchange at a time, and the pool of those that nobody uses just now."""

import select
import socket
import ssl
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum
from typing import cast
from urllib.parse import SplitResult

from common.outbound.deadline import Budget, BudgetedSocket, BudgetedSSLSocket, tls_context
from common.outbound.network import Dialer

READ_AT_ONCE = 64 * 1024
JOINED_BYTES = 64 * 1024  # up to which a body is worth copying behind its head, to leave in one packet
PIECE_BYTES = 256 * 1024  # of a larger body, which are offered to the socket at once
PORTS = {"http": 80, "https": 443}

Option = tuple[int, int, int]


class Heard(Enum):
    """What has come back before a request was sent to its end."""

    NOTHING = 0
    ANSWER = 1  # its head, and the request is wanted all the same
    REFUSAL = 2


class Connection:
    """A socket that is held to the budget of the exchange which it serves."""

    def __init__(self, sock: BudgetedSocket | BudgetedSSLSocket) -> None:
        self.is_spent = False  # a request was left unfinished on it
        self._sock = sock
        self._buffer = memoryview(bytearray(READ_AT_ONCE))
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def begin(self, granted: Budget) -> None:
        """The next exchange has this budget."""
        self._sock.budget = granted

    def send(self, head: bytes, body: bytes, listen: Callable[[], Heard]) -> None:
        """Sends a request, up to where the other side no longer wants it. Raises `OSError`.

        While a large body is under way, `listen` is called for whatever comes back: an answer that refuses the request
        ends the sending (RFC 9112, section 9.3). A server that hangs up may have answered before.
        """
        self.is_spent = True
        with suppress(BrokenPipeError, ConnectionResetError):
            if len(body) <= JOINED_BYTES:
                self._sock.sendall(head + body)
                self.is_spent = False
            else:
                self._sock.sendall(head)
                self.is_spent = not self._send_large(memoryview(body), listen)

    def receive(self) -> memoryview:
        """What has come, valid until the next call; empty at the end. Raises `OSError`."""
        return self._buffer[: self._sock.recv_into(self._buffer)]

    def receive_now(self) -> memoryview | None:
        """The same without a wait; None where nothing is there."""
        received = self._sock.receive_now(self._buffer)
        return None if received is None else self._buffer[:received]

    @property
    def is_quiet(self) -> bool:
        """Whether it is open and nothing has come that nobody asked for."""
        return not self._poll.poll(0)

    def close(self) -> None:
        """Ends it."""
        self._sock.close()

    def _send_large(self, rest: memoryview, listen: Callable[[], Heard]) -> bool:
        """Whether all of it was sent."""
        watched = select.poll()
        watched.register(self._sock, select.POLLIN | select.POLLOUT)
        while rest:
            if self._waited(watched) & ~select.POLLOUT:
                heard = listen()
                if heard is Heard.REFUSAL:
                    return False
                if heard is Heard.ANSWER:
                    watched.modify(self._sock, select.POLLOUT)
            rest = rest[self._sock.send_now(rest[:PIECE_BYTES]) :]
        return True

    def _waited(self, watched: select.poll) -> int:
        """What the socket is ready for. Raises `TimeoutError`."""
        self._sock.arm()
        left = self._sock.gettimeout() or 0.0
        found = watched.poll(left * 1000)
        if not found:
            raise TimeoutError("the request was not taken in time")
        return found[0][1]


class Server:
    """An address, and the connections to it that nobody uses just now."""

    def __init__(self, parts: SplitResult, dialer: Dialer, options: Iterable[Option] = ()) -> None:
        """`parts` of an `http` or `https` URL. Raises `ValueError` where it has no host, or a port that is none."""
        self._host, self._port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        if not self._host:
            raise ValueError("the URL has no host")
        self._tls = tls_context() if parts.scheme == "https" else None
        self._dialer = dialer
        self._options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *options]
        self.authority = _authority(parts.scheme, self._host, self._port)
        self._kept: deque[Connection] = deque()
        weakref.finalize(self, _close_all, self._kept)

    def kept(self) -> Connection | None:
        """A connection that is kept and still open, the last used first."""
        while self._kept:
            with suppress(IndexError):  # another thread took it
                connection = self._kept.pop()
                if connection.is_quiet:
                    return connection
                connection.close()
        return None

    def keep(self, connection: Connection) -> None:
        """For the next exchange."""
        self._kept.append(connection)

    def connect(self, granted: Budget) -> Connection:
        """A new one, its certificate checked where it is TLS. Raises `OSError` or `AddressNotAllowed`."""
        opened = BudgetedSocket.adopt(self._dialer.dial(self._host, self._port, granted))
        opened.budget = granted
        try:
            for option in self._options:
                opened.setsockopt(*option)
            return Connection(opened if self._tls is None else self._secured(self._tls, opened, granted))
        except BaseException:
            opened.close()
            raise

    def close(self) -> None:
        """Ends the connections that nobody uses."""
        _close_all(self._kept)

    def _secured(self, tls: ssl.SSLContext, opened: BudgetedSocket, granted: Budget) -> BudgetedSSLSocket:
        plain = tls.wrap_socket(opened, server_hostname=self._host, do_handshake_on_connect=False)
        sock = cast("BudgetedSSLSocket", plain)
        sock.budget = granted
        try:
            sock.do_handshake()
        except BaseException:
            sock.close()
            raise
        return sock


def _authority(scheme: str, host: str, port: int) -> str:
    """As the Host field has it."""
    name = f"[{host}]" if ":" in host else host
    return name if port == PORTS[scheme] else f"{name}:{port}"


def _close_all(connections: deque[Connection]) -> None:
    while connections:
        with suppress(IndexError):
            connections.pop().close()
