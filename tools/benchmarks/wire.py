"""As much HTTP as it takes to ask the same thing again and again: a client whose own cost must not count."""

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
    """More of the message is to come."""


class Broken(Exception):
    """The connection ended before the answer did, or can't be made."""


def whole(data: bytes) -> None:
    """Raises `Incomplete` unless `data` ends where its message ends."""
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
    """The status code of a whole answer."""
    return int(answer[9:12])


def request(path: str, body: bytes, **fields: str) -> bytes:
    """The bytes of a POST of JSON; underscores in the fields' names stand for dashes."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", "Accept: */*"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


@dataclass(eq=False, slots=True)
class Connection:
    """One caller's connection to a port of this machine, with at most one request on its way."""

    port: int
    sock: socket.socket = field(init=False)
    asked_at: float = 0.0  # time.perf_counter() seconds from which the answer's time is counted
    _arrived: bytes = b""

    def __post_init__(self) -> None:
        """Connects. Raises `Broken`."""
        try:
            self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=CONNECT_SECONDS)
        except OSError as exc:
            raise Broken(f"no connection to port {self.port}: {exc}") from exc
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes, asked_at: float) -> None:
        """Sends one request; a small one always fits. Raises `Broken`."""
        self.asked_at = asked_at
        try:
            self.sock.send(request)
        except OSError as exc:
            raise Broken(str(exc)) from exc

    def take(self) -> bytes | None:
        """The whole answer once it is there. Raises `Broken`."""
        try:
            data = self.sock.recv(READ)
        except BlockingIOError:
            return None
        except OSError as exc:
            raise Broken(str(exc)) from exc
        if not data:
            raise Broken("the connection was closed")
        if self._arrived:
            data = self._arrived + data
        try:
            whole(data)
        except Incomplete:
            self._arrived = data
            return None
        self._arrived = b""
        return data


def ask_once(port: int, request: bytes, seconds: float = 10.0) -> bytes:
    """One answer on a connection of its own. Raises `Broken`."""
    connection = Connection(port)
    try:
        connection.ask(request, 0.0)
        while (answer := connection.take()) is None:
            if not select.select([connection.sock], [], [], seconds)[0]:
                raise Broken(f"no answer within {seconds} s")
        return answer
    finally:
        connection.sock.close()
