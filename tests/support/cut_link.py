"""A TCP proxy in front of a server, which can be cut, frozen, or answer what is no protocol."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class CutLink:
    """Listens on `port`, and passes on everything until something is done to it."""

    def __init__(self, target: int | str) -> None:
        """`target` is a port of this machine, or the path of a Unix socket."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._flows = threading.Event()
        self._flows.set()
        self.garbage = b""  # sent instead of what the server says
        self._begin(self._accept)

    def cut(self) -> None:
        """Ends all connections at once, as a firewall does."""
        for sock in list(self._sockets):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        """Passes nothing on; connections stay open, and new ones are taken."""
        self._flows.clear()

    def close(self) -> None:
        """Ends it."""
        self._flows.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.cut()
        while self._threads:
            self._threads.pop().join(60)
        for sock in (self._listener, *self._sockets):
            sock.close()

    def _begin(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connected()
                self._sockets += [client, server]
                self._begin(self._carry, client, server, False)
                self._begin(self._carry, server, client, True)

    def _connected(self) -> socket.socket:
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        return server

    def _carry(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(self.garbage if is_answer and self.garbage else data)
        for sock in (source, sink):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
