"""A server may respond and close the connection early; its response is still read."""

import select
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from common.outbound.connection import SMALL_BODY_BYTES, Connection, EarlyResponse
from common.outbound.deadline import BudgetedSocket, budget

SAID = b"HTTP/1.1 413 Too Large\r\n\r\n"


@contextmanager
def connected() -> Iterator[tuple[Connection, socket.socket, socket.socket]]:
    """A connection, its socket, and the socket of the peer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        own = BudgetedSocket.adopt(socket.create_connection(listener.getsockname()))
        other, _ = listener.accept()
    connection = Connection(own)
    connection.begin(budget(20))
    with closing(connection), other:
        yield connection, own, other


def reset(own: socket.socket, other: socket.socket) -> None:
    """The peer resets the connection; waits until the reset has arrived."""
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    other.close()
    poll = select.poll()
    poll.register(own, 0)
    assert poll.poll(10_000)


@pytest.mark.parametrize("size", [2, SMALL_BODY_BYTES + 1])
def test_it_reads_a_response_before_a_reset(size: int) -> None:
    with connected() as (connection, own, other):
        other.sendall(SAID)
        assert select.select([own], [], [], 10)[0]
        reset(own, other)
        connection.send(b"POST / HTTP/1.1\r\n\r\n", b"0" * size, lambda: EarlyResponse.NOTHING)
        assert connection.is_spent
        assert bytes(connection.receive()) == SAID


def test_it_is_quiet_until_data_arrives() -> None:
    with connected() as (connection, own, other):
        assert connection.is_quiet
        other.sendall(b"x")
        assert select.select([own], [], [], 10)[0]
        assert not connection.is_quiet


def test_sending_a_body_ends_with_the_budget() -> None:
    with connected() as (connection, _, _other):
        connection.begin(budget(0.2))
        with pytest.raises(TimeoutError):
            connection.send(b"POST / HTTP/1.1\r\n\r\n", b"0" * 50_000_000, lambda: EarlyResponse.NOTHING)


def test_it_is_reusable_after_a_complete_request() -> None:
    with connected() as (connection, _, other):
        connection.send(b"head", b"body", lambda: EarlyResponse.NOTHING)
        assert not connection.is_spent
        assert other.recv(100) == b"headbody"
