"""One budget for a whole exchange: a total deadline and a cap on bytes.

A socket's timeout is per read: a server that sends one byte at a time can block a caller forever. Here every socket
operation first sets its timeout to the time left. So connecting, sending, and reading head and body share one deadline.
All received bytes count. This uses public interfaces only: a socket subclass and `ssl.SSLContext.sslsocket_class`.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from common.outbound.exceptions import ResponseTooLarge

Timeout = float | tuple[float | None, float | None] | None

DEFAULT_SECONDS = 30.0
DEFAULT_BYTES = 16 * 1024 * 1024


class Switch:
    """Cancels an exchange from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def cut(self) -> None:
        """Shuts the exchange's connection down, or prevents that it connects."""
        with self._lock:
            self._is_cut = True
            if self._socket is not None:
                with suppress(OSError):  # it is closed already
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # not that of TLS, which another thread uses

    def hold(self, used: socket.socket) -> None:
        """Sets the socket of the exchange. Raises `ConnectionAbortedError` if the exchange is cancelled."""
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("the exchange was cancelled")
            self._socket = used

    def release(self) -> None:
        """The exchange has ended."""
        with self._lock:
            self._socket = None


@dataclass(slots=True)
class Budget:
    """The limits of one exchange, from its creation on. Pass it to a session as `timeout`."""

    ends_at: float  # time.monotonic() seconds
    silence: float  # maximum seconds of one operation
    connect: float  # maximum seconds to resolve the address and connect
    unread: int  # bytes that may still arrive
    switch: Switch | None = None

    def left(self) -> float:
        """Seconds left for the next operation. Raises `TimeoutError` if none are left."""
        left = min(self.ends_at - time.monotonic(), self.silence)
        if left <= 0:
            raise TimeoutError("the exchange's deadline has passed")
        return left

    def count(self, received: int) -> None:
        """Counts received bytes. Raises `ResponseTooLarge` if they exceed the cap."""
        self.unread -= received
        if self.unread < 0:
            raise ResponseTooLarge("the response has more bytes than allowed")


def budget(
    total: float,
    *,
    silence: float | None = None,
    connect: float | None = None,
    most_bytes: int = DEFAULT_BYTES,
    switch: Switch | None = None,
) -> Budget:
    """A budget of `total` seconds from now on, `silence` seconds per operation, and `most_bytes` received bytes.

    `connect` covers the look-up of a name and all of its addresses. `switch` can cancel the exchange.
    """
    return Budget(
        time.monotonic() + total,
        total if silence is None else silence,
        total if connect is None else connect,
        most_bytes,
        switch,
    )


def budget_of(timeout: "Budget | Timeout") -> Budget:
    """The budget for a `timeout` of `requests`. There is always a deadline."""
    if isinstance(timeout, Budget):
        return timeout
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    seconds = DEFAULT_SECONDS if read is None else float(read)
    return budget(seconds, connect=None if connect is None else float(connect))


_block_budget: ContextVar[Budget | None] = ContextVar("outbound_budget", default=None)


@contextmanager
def apply_budget(current: Budget) -> Iterator[None]:
    """Every budgeted socket used in the block gets this budget, and keeps it."""
    token = _block_budget.set(current)
    try:
        yield
    finally:
        _block_budget.reset(token)


def current_budget() -> Budget:
    """The budget of the enclosing `apply_budget` block."""
    current = _block_budget.get()
    if current is None:
        raise RuntimeError("not inside an `apply_budget` block")
    return current


class _Budgeted:
    """Sets the socket's timeout before each operation that may wait."""

    budget: Budget | None = None  # of the current exchange

    def arm(self: Any) -> None:
        """Sets the timeout. Raises `TimeoutError`, or `ConnectionAbortedError` after a cancellation."""
        if (current := _block_budget.get()) is not None:
            self.budget = current
        if (current := self.budget) is not None:
            if current.switch is not None:
                current.switch.hold(self)
            self.settimeout(current.left())

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.arm()
        return self._counted(super().recv_into(*args, **kwargs))  # type: ignore[misc]

    def receive_now(self: Any, buffer: memoryview) -> int | None:
        """As `recv_into`, without waiting; None if nothing has arrived."""
        self.settimeout(0)
        try:
            return self._counted(super().recv_into(buffer))  # type: ignore[misc,no-any-return]
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def send(self, *args: Any, **kwargs: Any) -> int:
        self.arm()
        return super().send(*args, **kwargs)  # type: ignore[misc,no-any-return]

    def send_now(self: Any, data: memoryview) -> int:
        """As `send`, without waiting; 0 if the socket accepts nothing."""
        self.settimeout(0)
        try:
            return super().send(data)  # type: ignore[misc,no-any-return]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.arm()
        super().sendall(*args, **kwargs)  # type: ignore[misc]

    def _counted(self, received: int) -> int:
        if self.budget is not None:
            self.budget.count(received)
        return received


class BudgetedSocket(_Budgeted, socket.socket):
    """A TCP socket with a budget."""

    @classmethod
    def adopt(cls, other: socket.socket) -> "BudgetedSocket":
        """Takes over the file descriptor of `other`, which is unusable afterwards."""
        return cls(other.family, other.type, other.proto, fileno=other.detach())


class _TLSSocket(ssl.SSLSocket):
    def send(self, data: Any, flags: int = 0) -> int:
        """As a TCP socket: `BrokenPipeError` if the server has closed the connection. It may have responded before."""
        try:
            return super().send(data, flags)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as exc:
            raise BrokenPipeError("the server closed the connection") from exc


class BudgetedSSLSocket(_Budgeted, _TLSSocket):
    """A TLS socket with a budget, which covers the handshake."""

    def do_handshake(self, block: bool = False) -> None:
        """Performs the handshake within the budget."""
        self.arm()
        super().do_handshake(block)


def tls_context() -> ssl.SSLContext:
    """A TLS context with budgeted sockets and the system's certificate authorities."""
    context = ssl.create_default_context()
    context.sslsocket_class = BudgetedSSLSocket
    return context
