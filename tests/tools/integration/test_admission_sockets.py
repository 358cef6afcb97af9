"""What the kernel says about a connection."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.wait import until
from tools.launch.admission.sockets import CONTINUE_BYTES, Connection, connections, sockets


@pytest.fixture
def pair() -> Iterator[tuple[int, socket.socket, socket.socket]]:
    """A port, a caller's socket and the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller, listener.accept()[0] as accepted:
            yield port, caller, accepted


def seen(port: int) -> Connection:
    [found] = [each._replace() for each in connections(port)]
    return found


def test_it_finds_connections_and_sockets_of_the_port(pair: tuple[int, socket.socket, socket.socket]) -> None:
    port, _, _ = pair
    assert seen(port).address == "127.0.0.1"
    assert len(list(sockets(port))) == 2


def test_it_tells_what_has_no_answer(pair: tuple[int, socket.socket, socket.socket]) -> None:
    port, caller, accepted = pair
    caller.sendall(b"a" * 100)
    until(lambda: seen(port).bytes_received == 100)
    assert seen(port).is_unanswered
    time.sleep(0.02)  # the kernel's clock has milliseconds
    accepted.sendall(b"b" * CONTINUE_BYTES)
    until(lambda: seen(port).bytes_sent == CONTINUE_BYTES)
    assert seen(port).is_unanswered, "100 Continue is no answer"
    accepted.sendall(b"b")
    until(lambda: seen(port).bytes_sent > CONTINUE_BYTES)
    assert seen(port).is_unanswered is False
    time.sleep(0.02)
    caller.sendall(b"c")
    until(lambda: seen(port).is_unanswered)
    assert time.monotonic() - seen(port).received_at < 10
