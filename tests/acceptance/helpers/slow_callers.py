"""Callers that send or read slowly, on raw connections to a gateway."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

HOST = "127.0.0.1"
JSON_HEAD = f"Host: {HOST}\r\nContent-Type: application/json\r\n"


class RawCaller:
    """One connection."""

    def __init__(self, port: int, *, receive_bytes: int = 0) -> None:
        self.sock = socket.socket()
        if receive_bytes:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.sock.settimeout(60)
        self.sock.connect((HOST, port))

    def send(self, data: bytes) -> None:
        """Sends bytes."""
        self.sock.sendall(data)

    def send_often(self, data: bytes, count: int) -> None:
        """Sends the same bytes many times. Raises `ConnectionError` if the other side ends that."""
        for _ in range(count):
            self.send(data)

    def begin(self, line: str, *, length: int, sent: bytes = b"", fields: str = JSON_HEAD) -> None:
        """Sends the head of a request, and the first bytes of its body."""
        self.send(f"{line} HTTP/1.1\r\n{fields}Content-Length: {length}\r\n\r\n".encode() + sent)

    def answer(self) -> tuple[int, dict[str, Any]]:
        """The status and the JSON body of the answer."""
        with closing(http.client.HTTPResponse(self.sock)) as response:
            response.begin()
            return response.status, json.loads(response.read())

    def status_if_any(self) -> int | None:
        """The status of the answer; None if the connection was closed without one."""
        try:
            return self.answer()[0]
        except ConnectionError:
            return None

    def is_closed(self) -> bool:
        """Whether the other side closed the connection without an answer."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionError:
            return True


@contextmanager
def callers(port: int, count: int, **options: int) -> Iterator[list[RawCaller]]:
    """Connections that are closed at the end of the block."""
    with ExitStack() as stack:
        made = [RawCaller(port, **options) for _ in range(count)]
        for each in made:
            stack.callback(each.sock.close)
        yield made
