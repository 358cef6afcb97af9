"""A minimal HTTP client for repeated requests, whose own cost is negligible."""

import re
import select
import socket
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)
_LAST_CHUNK = b"0\r\n\r\n"
READ = 65536
CONNECT_SECONDS = 5.0


class Incomplete(Exception):
    """The message is not complete yet."""


class ConnectionBroken(Exception):
    """The connection broke before the end of the answer, or can't be opened."""


def check_complete(data: bytes) -> None:
    """Raises `Incomplete` unless `data` is a complete message."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise Incomplete
    length = _LENGTH.search(data, 0, end)
    if length is not None:
        if len(data) < end + 4 + int(length[1]):
            raise Incomplete
    elif _CHUNKED.search(data, 0, end) is not None and not data.endswith(_LAST_CHUNK):
        raise Incomplete


def status_of(answer: bytes) -> int:
    """Returns the status code of a complete answer."""
    return int(answer[9:12])


def request(path: str, body: bytes, **fields: str) -> bytes:
    """Returns the bytes of a POST of JSON. Underscores in the field names become dashes."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", "Accept: */*"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


@dataclass(eq=False, slots=True)
class Connection:
    """A caller's connection to a port on loopback, with at most one request in progress."""

    port: int
    sock: socket.socket = field(init=False)
    started_at: float = 0.0  # start of the latency, in time.perf_counter() seconds
    _received: bytes = b""

    def __post_init__(self) -> None:
        """Connects. Raises `ConnectionBroken`."""
        try:
            self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=CONNECT_SECONDS)
        except OSError as exc:
            raise ConnectionBroken(f"no connection to port {self.port}: {exc}") from exc
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes, started_at: float) -> None:
        """Sends one request, which must fit into the socket buffer. Raises `ConnectionBroken`."""
        self.started_at = started_at
        try:
            self.sock.send(request)
        except OSError as exc:
            raise ConnectionBroken(str(exc)) from exc

    def receive(self) -> bytes | None:
        """Returns the answer once it is complete, else None. Raises `ConnectionBroken`."""
        try:
            data = self.sock.recv(READ)
        except BlockingIOError:
            return None
        except OSError as exc:
            raise ConnectionBroken(str(exc)) from exc
        if not data:
            raise ConnectionBroken("the connection was closed")
        if self._received:
            data = self._received + data
        try:
            check_complete(data)
        except Incomplete:
            self._received = data
            return None
        self._received = b""
        return data


def request_once(port: int, request: bytes, seconds: float = 10.0) -> bytes:
    """Sends a request on a new connection and returns its answer. Raises `ConnectionBroken`."""
    connection = Connection(port)
    try:
        connection.send(request, 0.0)
        while (answer := connection.receive()) is None:
            if not select.select([connection.sock], [], [], seconds)[0]:
                raise ConnectionBroken(f"no answer within {seconds} s")
        return answer
    finally:
        connection.sock.close()
