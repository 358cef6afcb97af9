"""A model server on a raw socket, so that it can misbehave in every way that a real one could."""

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
    """One request that arrived, and the socket to answer on."""

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
        """Raw bytes."""
        self.sock.sendall(data)

    def answer(
        self, body: bytes = PREDICTION, *, status: str = "200 OK", head: bytes = b"Content-Type: application/json\r\n"
    ) -> None:
        """A whole answer, kept alive."""
        self.send(b"HTTP/1.1 " + status.encode() + b"\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


class ScriptedModel:
    """Listens on loopback; each request is answered by `script`, which a test may change at any time."""

    def __init__(self, port: int = 0) -> None:
        self.script: Script = Conversation.answer
        self.requests: list[Conversation] = []
        self.gone = threading.Event()  # set at the end, for scripts that keep a caller waiting
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
        """Ends the server and every script that waits."""
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
