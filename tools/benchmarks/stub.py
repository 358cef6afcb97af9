"""`python -m tools.benchmarks.stub`: the model server of all variants, with minimal CPU cost.

It has one thread and raw sockets, and gives the same answer to every request, after a delay that
`POST /delay/MILLISECONDS` sets. It supports only the HTTP of its callers here: requests with a Content-Length, one at a
time on a connection.
"""

import os
import select
import signal
import socket
import sys
import time
from collections import deque
from contextlib import suppress

from tools.benchmarks.payload import ANSWER
from tools.benchmarks.raw_http import Incomplete, check_complete

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
REPLY = HEAD % len(ANSWER) + ANSWER
DELAY = b"POST /delay/"
READ = 65536


class Stub:
    """Serves on a listening socket until its process ends."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._poll = select.epoll()
        self._poll.register(listener, select.EPOLLIN)
        self._open: dict[int, socket.socket] = {}
        self._unfinished: dict[int, bytes] = {}
        self._due: deque[tuple[float, socket.socket]] = (
            deque()
        )  # time.monotonic() seconds, and the socket to answer then
        self._delay = 0.0  # seconds

    def serve(self) -> None:
        """Serves until the process ends."""
        while True:
            for descriptor, _ in self._poll.poll(self._timeout()):
                if descriptor in self._open:
                    self._read(descriptor)
                else:
                    self._accept()
            self._answer_due()

    def _timeout(self) -> float:
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else -1

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open[sock.fileno()] = sock
        self._poll.register(sock, select.EPOLLIN)

    def _read(self, descriptor: int) -> None:
        try:
            data = self._open[descriptor].recv(READ)
        except OSError:
            data = b""
        if not data:
            self._unfinished.pop(descriptor, None)
            self._open.pop(descriptor).close()
            return
        if descriptor in self._unfinished:
            data = self._unfinished.pop(descriptor) + data
        try:
            check_complete(data)
        except Incomplete:
            self._unfinished[descriptor] = data
        else:
            self._handle(self._open[descriptor], data)

    def _handle(self, sock: socket.socket, data: bytes) -> None:
        if data.startswith(DELAY):
            self._delay = int(data[len(DELAY) :].split(b" ", 1)[0]) / 1000
            _answer(sock)
        elif self._delay:
            self._due.append((time.monotonic() + self._delay, sock))
        else:
            _answer(sock)

    def _answer_due(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            _answer(self._due.popleft()[1])


def _answer(sock: socket.socket) -> None:
    with suppress(OSError):  # the caller has closed the connection
        sock.send(REPLY)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Stub(socket.create_server(("127.0.0.1", int(os.environ["ML_SERVER_PORT"])), backlog=1024)).serve()
