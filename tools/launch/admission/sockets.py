"""This process' connections with callers, as the kernel sees them. Linux only.

WSGI does not say which connection a request came from, so the kernel's numbers must tell.
"""

import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

# struct tcp_info in linux/tcp.h
_SENT_AGE, _RECEIVED_AGE = 44, 52  # u32: milliseconds since data was sent and received
_BYTES = 120  # two u64: bytes that the caller acknowledged, and bytes received
_INFO_BYTES = 136
_ESTABLISHED = 1  # the state, in the first byte
CONTINUE_BYTES = len(b"HTTP/1.1 100 Continue\r\n\r\n")
FAMILIES = (socket.AF_INET, socket.AF_INET6)


class Connection(NamedTuple):
    """A connection with a caller; times are in `time.monotonic()` seconds."""

    sock: socket.socket  # a copy of the descriptor, valid until the next connection is asked for
    inode: int
    address: str
    sent_at: float  # the last data to the caller; for a new connection, when it began
    received_at: float
    bytes_received: int
    bytes_sent: int  # acknowledged by the caller
    is_open: bool  # false once the caller closed it
    is_unanswered: bool | None  # whether data came after the last answer; None if both are of the same millisecond


def connections(port: int) -> Iterator[Connection]:
    """All open connections of the port."""
    for sock in sockets(port):
        with suppress(OSError, struct.error):  # closed meanwhile, or a listener
            yield _described(sock)


def _described(sock: socket.socket) -> Connection:
    address = sock.getpeername()[0]
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    now = time.monotonic()
    sent_age, received_age = (struct.unpack_from("=I", info, place)[0] for place in (_SENT_AGE, _RECEIVED_AGE))
    sent, received = struct.unpack_from("=QQ", info, _BYTES)
    inode = os.fstat(sock.fileno()).st_ino
    return Connection(
        sock,
        inode,
        address,
        now - sent_age / 1000,
        now - received_age / 1000,
        received,
        sent,
        info[0] == _ESTABLISHED,
        _order(sent_age, received_age, sent),
    )


def _order(sent_age: int, received_age: int, sent: int) -> bool | None:
    if sent <= CONTINUE_BYTES:  # nothing, or "100 Continue" only
        return True
    if received_age == sent_age:
        return None
    return received_age <= sent_age


def sockets(port: int) -> Iterator[socket.socket]:
    """The port's listening sockets and connections; each is valid until the next is asked for."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            descriptor = int(name)
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with _copy(descriptor) as sock:
                    if sock.family in FAMILIES and sock.getsockname()[1] == port:
                        yield sock


def _copy(descriptor: int) -> socket.socket:
    """A socket with a copy of the descriptor. Raises `OSError`."""
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:  # closed meanwhile, and used for something else
        os.close(copy)
        raise
