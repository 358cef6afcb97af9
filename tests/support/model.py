"""A model server on a raw socket, which can misbehave in every way."""

import socket
import socketserver
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

Script = Callable[["Conversation"], None]

PREDICTION = b'{"model": {"name": "stub", "version": "7"}, "predictions": [{"label": "benign", "confidence": 0.93}]}'


@dataclass
class Conversation:
    """A received request, and the socket for the response."""

    sock: socket.socket
    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.split(b"\r\n")[0].decode("latin-1")

    @property
    def fields(self) -> dict[str, str]:
        """Header fields, names in lower case."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip(" \t") for name, _, value in (line.partition(":") for line in lines)}

    def send(self, data: bytes) -> None:
        """Sends raw bytes."""
        self.sock.sendall(data)

    def answer(
        self, body: bytes = PREDICTION, *, status: str = "200 OK", head: bytes = b"Content-Type: application/json\r\n"
    ) -> None:
        """Sends a complete response, and keeps the connection open."""
        self.send(b"HTTP/1.1 " + status.encode() + b"\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


class ScriptedModel:
    """Listens on loopback; `script` answers each request, and a test may replace it at any time."""

    def __init__(self, port: int = 0) -> None:
        self.script: Script = Conversation.answer
        self.requests: list[Conversation] = []
        self.gone = threading.Event()  # set by `close`, for scripts that block
        model = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    while (conversation := _next(self.request)) is not None:
                        model.requests.append(conversation)
                        model.script(conversation)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128
            block_on_close = False

        self._server = Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005})
        self._thread.start()

    def close(self) -> None:
        """Stops the server and all blocked scripts."""
        self.gone.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _next(sock: socket.socket) -> Conversation | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    conversation = Conversation(sock, head, body)
    length = int(conversation.fields.get("content-length", "0"))
    while len(conversation.body) < length:
        piece = sock.recv(65536)
        if not piece:
            return None
        conversation.body += piece
    return conversation
