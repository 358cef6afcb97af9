"""A server may respond and close the connection early; its response is still read."""

import select
import socket
import ssl
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

import pytest

from common.outbound.connection import SMALL_BODY_BYTES, Connection, EarlyResponse
from common.outbound.deadline import BudgetedSocket, BudgetedSSLSocket, budget
from tests.support.certificate import self_signed

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


def test_a_reset_ends_the_response_if_the_request_was_not_read() -> None:
    with connected() as (connection, own, other):

        def listen() -> EarlyResponse:
            reset(own, other)
            return EarlyResponse.REFUSAL

        other.sendall(SAID)
        connection.send(b"POST / HTTP/1.1\r\n\r\n", b"0" * 50_000_000, listen)
        assert [bytes(connection.receive()) for _ in range(2)] == [SAID, b""]


def test_a_reset_is_an_error_if_the_request_was_read() -> None:
    with connected() as (connection, own, other):
        connection.send(b"head", b"body", lambda: EarlyResponse.NOTHING)
        assert other.recv(100) == b"headbody"
        other.sendall(SAID)
        reset(own, other)
        assert bytes(connection.receive()) == SAID
        with pytest.raises(ConnectionResetError):
            connection.receive()


def test_it_reads_a_response_before_a_reset_over_tls(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(self_signed())
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=certificate)
    server.load_cert_chain(certificate)
    client.sslsocket_class = BudgetedSSLSocket
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        plain = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a reset would discard what waits
        accepting = pool.submit(server.wrap_socket, accepted, server_side=True)
        own = client.wrap_socket(plain, server_hostname="127.0.0.1")
        other = accepting.result(60)
    connection = Connection(cast("BudgetedSSLSocket", own))
    connection.begin(budget(20))
    with closing(connection), other:
        other.sendall(SAID)
        reset(own, other)
        connection.send(b"POST / HTTP/1.1\r\n\r\n", b"0" * (SMALL_BODY_BYTES + 1), lambda: EarlyResponse.NOTHING)
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
