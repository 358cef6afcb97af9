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
    """What one exchange may take. It is given to a session as `timeout`, and its clock runs from when it is made."""

    ends_at: float  # time.monotonic() seconds
    silence: float  # seconds that one operation may wait
    connect: float  # seconds for finding the address and connecting to it
    unread: int  # bytes that may still arrive
    switch: Switch | None = None

    def left(self) -> float:
        """Seconds that the next operation may wait. Raises `TimeoutError` when the time is up."""
        left = min(self.ends_at - time.monotonic(), self.silence)
        if left <= 0:
            raise TimeoutError("the exchange's deadline has passed")
        return left

    def count(self, received: int) -> None:
        """Raises `ResponseTooLarge` when more has arrived than may."""
        self.unread -= received
        if self.unread < 0:
            raise ResponseTooLarge("more bytes have arrived than the response may have")


def budget(
    total: float,
    *,
    silence: float | None = None,
    connect: float | None = None,
    most_bytes: int = DEFAULT_BYTES,
    switch: Switch | None = None,
) -> Budget:
    """An exchange of `total` seconds from now on, `silence` for each operation, and `most_bytes` read in all.

    `connect` is for looking up a name and for all of its addresses together. `switch` can end it before.
    """
    return Budget(
        time.monotonic() + total,
        total if silence is None else silence,
        total if connect is None else connect,
        most_bytes,
        switch,
    )


def budget_of(timeout: "Budget | Timeout") -> Budget:
    """The budget that stands for what `requests` takes as `timeout`: there is none without an end."""
    if isinstance(timeout, Budget):
        return timeout
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    seconds = DEFAULT_SECONDS if read is None else float(read)
    return budget(seconds, connect=None if connect is None else float(connect))


_entered: ContextVar[Budget | None] = ContextVar("outbound_budget", default=None)


@contextmanager
def held_to(granted: Budget) -> Iterator[None]:
    """Every budgeted socket that is used in the block takes `granted` for its own, and keeps it."""
    token = _entered.set(granted)
    try:
        yield
    finally:
        _entered.reset(token)


def entered() -> Budget:
    """The budget of the block of `held_to` that is under way."""
    granted = _entered.get()
    if granted is None:
        raise RuntimeError("no exchange is under way")
    return granted


class _Budgeted:
    """Sets the socket's timeout before whatever may wait."""

    budget: Budget | None = None  # of the exchange that uses the socket

    def arm(self: Any) -> None:
        """Before an operation that may wait. Raises `TimeoutError`, or `ConnectionAbortedError` after a cut."""
        if (granted := _entered.get()) is not None:
            self.budget = granted
        if (granted := self.budget) is not None:
            if granted.switch is not None:
                granted.switch.hold(self)
            self.settimeout(granted.left())

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.arm()
        return self._counted(super().recv_into(*args, **kwargs))  # type: ignore[misc]

    def receive_now(self: Any, buffer: memoryview) -> int | None:
        """As `recv_into`, without a wait; None where nothing is there."""
        self.settimeout(0)
        try:
            return self._counted(super().recv_into(buffer))  # type: ignore[misc,no-any-return]
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def send(self, *args: Any, **kwargs: Any) -> int:
        self.arm()
        return super().send(*args, **kwargs)  # type: ignore[misc,no-any-return]

    def send_now(self: Any, data: memoryview) -> int:
        """As `send`, without a wait; 0 where nothing more goes."""
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
    """A TCP socket held to a budget."""

    @classmethod
    def adopt(cls, other: socket.socket) -> "BudgetedSocket":
        """Takes over the file descriptor of `other`, which is of no use afterwards."""
        return cls(other.family, other.type, other.proto, fileno=other.detach())


class BudgetedSSLSocket(_Budgeted, ssl.SSLSocket):
    """A TLS socket held to a budget, its handshake included."""

    def do_handshake(self, block: bool = False) -> None:
        """Performs the handshake within what is left."""
        self.arm()
        super().do_handshake(block)


def tls_context() -> ssl.SSLContext:
    """Verifies against the system's authorities, on budgeted sockets."""
    context = ssl.create_default_context()
    context.sslsocket_class = BudgetedSSLSocket
    return context
