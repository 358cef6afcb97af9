"""One long exchange with the model server: its answer may come line by line, and another thread may cut it off.

It has a connection of its own, so that a cut can never hit another exchange, and a model server that vanished without
a word is noticed by TCP's own keep-alive: the answer itself may rightly be silent for as long as the work takes.
"""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from django.conf import settings

from ml_proxy.exceptions import UpstreamTooLarge
from ml_proxy.upstream import deadline
from ml_proxy.upstream.arriving import Arriving
from ml_proxy.upstream.client import Answer, Request, Translated, ask, most_bytes, whole
from ml_proxy.upstream.connection import Option, server_at

LINES = frozenset({"application/x-ndjson", "application/ndjson"})
KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # seconds, seconds, times


class Reply:
    """An answer whose head has arrived. Its body can be had once: by lines, or whole."""

    def __init__(self, arriving: Arriving, granted: deadline.Budget, started: float) -> None:
        self._arriving = arriving
        self._granted = granted
        self._started = started

    @property
    def comes_in_lines(self) -> bool:
        """Whether it is a 2xx of newline-delimited JSON."""
        media = self._arriving.field("content-type")
        return 200 <= self._arriving.status < 300 and media.split(";")[0].strip().lower() in LINES

    def whole(self) -> Answer:
        """All of it. Raises `UpstreamError`."""
        with Translated():
            return whole(self._arriving, self._started)

    def lines(self) -> Iterator[bytes]:
        """Each line as soon as it is there, without its end. Raises `UpstreamError`."""
        begun = bytearray()
        for piece in self._pieces():
            for number, part in enumerate(piece.split(b"\n")):
                if number:  # an end of line stood before it
                    yield bytes(begun)
                    begun.clear()
                    self._granted.unread = most_bytes()
                begun += part
                _refuse_long(begun)
        yield bytes(begun)

    def _pieces(self) -> Iterator[bytes]:
        with Translated():
            yield from self._arriving.pieces()


def _refuse_long(line: bytearray) -> None:
    if len(line) > settings.MAX_ANSWER_BYTES:
        cap = f"{settings.MAX_ANSWER_BYTES} bytes (MAX_ANSWER_BYTES)"
        raise UpstreamTooLarge(f"A line of the model server's answer is over the cap of {cap}.")


@contextmanager
def exchange(
    path: str,
    *,
    fields: Mapping[str, str],
    body: bytes,
    query: str = "",
    total_seconds: float,
    switch: deadline.Switch,
) -> Iterator[Reply]:
    """Sends one POST to `{ML_SERVER_URL}/api/v1/{path}`; leaving the block ends the exchange, read or not.

    Raises an `UpstreamError`; one that tells nothing where `switch` was cut: whoever cut it knows why.
    """
    started = time.perf_counter()
    with deadline.budget(total_seconds, total_seconds, most_bytes(), switch) as granted, ExitStack() as ending:
        ending.callback(switch.release)
        with Translated():
            server = server_at(settings.ML_SERVER_URL)
            connection = server.connect(granted, _keep_alive())
            ending.callback(connection.close)
            arriving = ask(server, connection, Request("POST", path, query, fields, body))
        yield Reply(arriving, granted, started)


def _keep_alive() -> list[Option]:
    known = {name: value for name, value in KEEP_ALIVE.items() if hasattr(socket, name)}  # not everywhere
    probes = [(socket.IPPROTO_TCP, int(getattr(socket, name)), value) for name, value in known.items()]
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *probes]
