"""A model server that answers a request before it has read its body."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pytest_django import Settings


class EarlyModel:
    """Answers each request as soon as its head has arrived, and does not read its body."""

    def __init__(
        self, listener: socket.socket, answer: bytes, *, hangs_up: bool, tls: ssl.SSLContext | None = None
    ) -> None:
        self.connections = 0
        self._listener, self._answer, self._hangs_up, self._tls = listener, answer, hangs_up, tls
        self._held: list[socket.socket] = []

    def run(self) -> None:
        """Serves until the listener is shut down."""
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                self._serve(sock)

    def close(self) -> None:
        """Closes the connections that were kept open."""
        for sock in self._held:
            sock.close()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a reset would discard an answer that waits
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(1024)
        sock.sendall(self._answer)
        if self._hangs_up:
            sock.close()  # with a reset, since the rest of the request is never read
        else:
            self._held.append(sock)


@contextmanager
def early_model(
    settings: Settings, answer: bytes, *, hangs_up: bool, tls: ssl.SSLContext | None = None
) -> Iterator[EarlyModel]:
    """Runs an `EarlyModel` as the gateway's model server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scheme = "http" if tls is None else "https"
        settings.ML_SERVER_URL = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        model = EarlyModel(listener, answer, hangs_up=hangs_up, tls=tls)
        thread = threading.Thread(target=model.run)
        thread.start()
        try:
            yield model
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            model.close()
