"""One budget for a whole exchange.

A socket's timeout is per read: a server that drips one byte at a time keeps a caller for ever. Here every operation on
the socket first sets its timeout to what is left of the exchange's budget, so that connecting, sending, reading the
head and reading the body all end by the same deadline. And every byte that arrives is counted, whatever it is part of.
Only public seams of the standard library are used: a socket subclass, and `ssl.SSLContext.sslsocket_class`.
"""

import socket
import ssl
import threading
import time
from contextlib import suppress
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any, Self

from ml_proxy.exceptions import UpstreamTooLarge


class Switch:
    """Ends an exchange from another thread, whatever it waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def cut(self) -> None:
        """Shuts the exchange's connection; one that has none yet makes none."""
        with self._lock:
            self._is_cut = True
            if self._socket is not None:
                with suppress(OSError):  # it is closed already
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # not TLS' own, which another thread reads

    def hold(self, used: socket.socket) -> None:
        """Names the socket that the exchange uses. Raises `ConnectionAbortedError` once it is cut."""
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("the exchange was cut")
            self._socket = used

    def release(self) -> None:
        """The exchange has ended."""
        with self._lock:
            self._socket = None


@dataclass(slots=True)
class Budget:
    """What one exchange may take; every upstream socket operation of the context is held to it while it is entered."""

    ends_at: float  # time.monotonic() seconds
    silence: float  # seconds that one operation may wait
    unread: int  # bytes that may still arrive
    switch: Switch | None = None
    _token: "Token[Budget | None] | None" = None

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)

    def left(self) -> float:
        """Seconds that the next operation may wait. Raises `TimeoutError` when the time is up."""
        left = min(self.ends_at - time.monotonic(), self.silence)
        if left <= 0:
            raise TimeoutError("the exchange's deadline has passed")
        return left

    def count(self, received: int) -> None:
        """Raises `UpstreamTooLarge` when more has arrived than may."""
        self.unread -= received
        if self.unread < 0:
            raise UpstreamTooLarge("The model server sent more than any answer under MAX_ANSWER_BYTES can take.")


_current: ContextVar[Budget | None] = ContextVar("upstream_budget", default=None)


def budget(total: float, silence: float, most_bytes: int, switch: Switch | None = None) -> Budget:
    """An exchange of `total` seconds from now on, `silence` for each operation, and `most_bytes` read in all.

    `switch` can end it before.
    """
    return Budget(time.monotonic() + total, silence, most_bytes, switch)


class _Budgeted:
    """Sets the socket's timeout before whatever may wait."""

    def _arm(self: Any) -> None:
        granted = _current.get()
        if granted is not None:
            if granted.switch is not None:
                granted.switch.hold(self)
            self.settimeout(granted.left())

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._arm()
        received: int = super().recv_into(*args, **kwargs)  # type: ignore[misc]
        if granted := _current.get():
            granted.count(received)
        return received

    def send(self, *args: Any, **kwargs: Any) -> int:
        self._arm()
        return super().send(*args, **kwargs)  # type: ignore[misc,no-any-return]

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self._arm()
        super().sendall(*args, **kwargs)  # type: ignore[misc]


class BudgetedSocket(_Budgeted, socket.socket):
    """A TCP socket held to the current budget."""

    @classmethod
    def adopt(cls, other: socket.socket) -> "BudgetedSocket":
        """Takes over the file descriptor of `other`, which is of no use afterwards."""
        return cls(other.family, other.type, other.proto, fileno=other.detach())


class BudgetedSSLSocket(_Budgeted, ssl.SSLSocket):
    """A TLS socket held to the current budget, its handshake included."""

    def do_handshake(self, block: bool = False) -> None:
        """Performs the handshake within what is left."""
        self._arm()
        super().do_handshake(block)


def tls_context() -> ssl.SSLContext:
    """Verifies against the system's authorities, on budgeted sockets."""
    context = ssl.create_default_context()
    context.sslsocket_class = BudgetedSSLSocket
    return context
