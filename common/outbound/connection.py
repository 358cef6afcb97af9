"""Connections that serve one exchange at a time, and pools of idle connections."""

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

READ_BYTES = 64 * 1024
SMALL_BODY_BYTES = 64 * 1024  # a smaller body is copied behind its head, to be sent in one packet
PART_BYTES = 256 * 1024  # of a larger body, for one call of `send`
PORTS = {"http": 80, "https": 443}

Option = tuple[int, int, int]


class EarlyResponse(Enum):
    """What the server has sent before the request was sent completely."""

    NOTHING = 0
    HEAD = 1  # the head of a response, and the server still reads the request
    REFUSAL = 2  # the server does not want the rest of the request


class Connection:
    """A socket with the budget of its current exchange."""

    def __init__(self, sock: BudgetedSocket | BudgetedSSLSocket) -> None:
        self.is_spent = False  # a request on it is incomplete
        self._sock = sock
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def begin(self, budget: Budget) -> None:
        """Starts an exchange with this budget."""
        self._sock.budget = budget

    def send(self, head: bytes, body: bytes, listen: Callable[[], EarlyResponse]) -> None:
        """Sends a request; stops early if the server refuses it. Raises `OSError`.

        During a large body, `listen` reads what the server sends. A response that refuses the request stops the sending
        (RFC 9112, section 9.3). A server that closes the connection may have responded before.
        """
        self.is_spent = True
        with suppress(BrokenPipeError, ConnectionResetError):
            if len(body) <= SMALL_BODY_BYTES:
                self._sock.sendall(head + body)
                self.is_spent = False
            else:
                self._sock.sendall(head)
                self.is_spent = not self._send_large(memoryview(body), listen)

    def receive(self) -> memoryview:
        """Received bytes, valid until the next call; empty at the end. Raises `OSError`.

        A server that closes the connection without reading the whole request ends its response with a reset.
        """
        try:
            return self._buffer[: self._sock.recv_into(self._buffer)]
        except ConnectionResetError:
            if not self.is_spent:
                raise
            return self._buffer[:0]

    def receive_now(self) -> memoryview | None:
        """As `receive`, without waiting; None if nothing has arrived."""
        received = self._sock.receive_now(self._buffer)
        return None if received is None else self._buffer[:received]

    @property
    def is_quiet(self) -> bool:
        """Whether the connection is open, without unexpected data."""
        return not self._poll.poll(0)

    def close(self) -> None:
        """Closes the connection."""
        self._sock.close()

    def _send_large(self, rest: memoryview, listen: Callable[[], EarlyResponse]) -> bool:
        """Whether the whole body was sent."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN | select.POLLOUT)
        while rest:
            if self._wait(poll) & ~select.POLLOUT:
                early = listen()
                if early is EarlyResponse.REFUSAL:
                    return False
                if early is EarlyResponse.HEAD:
                    poll.modify(self._sock, select.POLLOUT)
            rest = rest[self._sock.send_now(rest[:PART_BYTES]) :]
        return True

    def _wait(self, poll: select.poll) -> int:
        """The events that the socket is ready for. Raises `TimeoutError`."""
        self._sock.arm()
        left = self._sock.gettimeout() or 0.0
        found = poll.poll(left * 1000)
        if not found:
            raise TimeoutError("the server did not accept the request in time")
        return found[0][1]


class Server:
    """A server, and its pool of idle connections."""

    def __init__(self, parts: SplitResult, dialer: Dialer, options: Iterable[Option] = ()) -> None:
        """`parts` are of an `http` or `https` URL. Raises `ValueError` without a host or with an invalid port."""
        self._host, self._port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        if not self._host:
            raise ValueError("the URL has no host")
        self._tls = tls_context() if parts.scheme == "https" else None
        self._dialer = dialer
        self._options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *options]
        self.authority = _authority(parts.scheme, self._host, self._port)
        self._idle: deque[Connection] = deque()
        weakref.finalize(self, _close_all, self._idle)

    def take_idle(self) -> Connection | None:
        """An idle connection that is still open, the last used first."""
        while self._idle:
            with suppress(IndexError):  # another thread took it
                connection = self._idle.pop()
                if connection.is_quiet:
                    return connection
                connection.close()
        return None

    def keep(self, connection: Connection) -> None:
        """Returns a connection to the pool."""
        self._idle.append(connection)

    def connect(self, budget: Budget) -> Connection:
        """A new connection; TLS verifies its certificate. Raises `OSError` or `AddressNotAllowed`."""
        plain = BudgetedSocket.adopt(self._dialer.dial(self._host, self._port, budget))
        plain.budget = budget
        try:
            for option in self._options:
                plain.setsockopt(*option)
            return Connection(plain if self._tls is None else self._start_tls(self._tls, plain, budget))
        except BaseException:
            plain.close()
            raise

    def close(self) -> None:
        """Closes the idle connections."""
        _close_all(self._idle)

    def _start_tls(self, tls: ssl.SSLContext, plain: BudgetedSocket, budget: Budget) -> BudgetedSSLSocket:
        wrapped = tls.wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)
        sock = cast("BudgetedSSLSocket", wrapped)
        sock.budget = budget
        try:
            sock.do_handshake()
        except BaseException:
            sock.close()
            raise
        return sock


def _authority(scheme: str, host: str, port: int) -> str:
    """The value of the Host header."""
    name = f"[{host}]" if ":" in host else host
    return name if port == PORTS[scheme] else f"{name}:{port}"


def _close_all(connections: deque[Connection]) -> None:
    while connections:
        with suppress(IndexError):
            connections.pop().close()
