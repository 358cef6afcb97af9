"""The link between the product and Redis: a TCP proxy that can be slowed down, or taken away."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.support.network import free_port

CHUNK_BYTES = 16 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds


class Link:
    """Forwards connections to a port of this machine, from `open` to `close`."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._bytes_per_second = 0  # 0: as fast as it can
        self._listener: socket.socket | None = None

    def open(self) -> None:
        """Accepts connections."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Refuses connections. Those that exist end with the target's."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # ends the `accept` of the other thread
            self._listener.close()
            self._listener = None

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Refuses connections during the block."""
        self.close()
        try:
            yield
        finally:
            self.open()

    @contextmanager
    def slow(self, bytes_per_second: int) -> Iterator[None]:
        """Limits each direction of each connection during the block."""
        self._bytes_per_second = bytes_per_second
        try:
            yield
        finally:
            self._bytes_per_second = 0

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = listener.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._target), timeout=10)
        except OSError:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            near.close()
            return
        far.settimeout(None)
        with near, far:
            back = threading.Thread(target=self._copy, args=(far, near), daemon=True)
            back.start()
            self._copy(near, far)
            back.join()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while data := source.recv(self._chunk_bytes()):
                sink.sendall(data)
                if self._bytes_per_second:
                    time.sleep(len(data) / self._bytes_per_second)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for sock in (source, sink):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)  # ends the other direction too

    def _chunk_bytes(self) -> int:
        """A slow link still moves some bytes ten times a second."""
        return max(self._bytes_per_second // 10, 1) if self._bytes_per_second else CHUNK_BYTES
