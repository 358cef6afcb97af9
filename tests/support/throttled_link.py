"""A TCP proxy in front of a server, which passes on so many bytes a second, as a slow network does."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

READ_BYTES = 64 * 1024
BUFFER_BYTES = 256 * 1024  # of the kernel, so that a sender notices how slow the link is


class ThrottledLink:
    """Listens on `port`. All connections share the rate, separately in each direction."""

    def __init__(self, target_port: int, bytes_per_second: float) -> None:
        self._target_port = target_port
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        self.sent = _Direction(bytes_per_second)
        self._received = _Direction(bytes_per_second)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections; the existing ones end with their clients."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target_port)) as server:
            back = threading.Thread(target=self._received.carry, args=(server, client), daemon=True)
            back.start()
            self.sent.carry(client, server)
            back.join()


class _Direction:
    """One direction of the link, with the bytes that it has carried so far."""

    def __init__(self, bytes_per_second: float) -> None:
        self.total = 0  # bytes
        self._rate = bytes_per_second
        self._lock = threading.Lock()
        self._free_at = 0.0  # time.monotonic() seconds

    def carry(self, source: socket.socket, sink: socket.socket) -> None:
        """Passes bytes on until either end closes."""
        with suppress(OSError):
            while data := source.recv(READ_BYTES):
                time.sleep(self._seconds_for(len(data)))
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _seconds_for(self, nbytes: int) -> float:
        """Until the link has carried what is on it, and these bytes."""
        now = time.monotonic()
        with self._lock:
            self.total += nbytes
            self._free_at = max(now, self._free_at) + nbytes / self._rate
            return self._free_at - now


@contextmanager
def throttled_link(target_port: int, bytes_per_second: float) -> Iterator[ThrottledLink]:
    """A link to a port of this machine, for a block."""
    link = ThrottledLink(target_port, bytes_per_second)
    try:
        yield link
    finally:
        link.close()
