"""One long exchange with the model server: its answer may come line by line, and another thread may cut it off.

It has a connection of its own, so that a cut can never hit another exchange, and a model server that vanished without
a word is noticed by TCP's own keep-alive: the answer itself may rightly be silent for as long as the work takes.
"""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from django.conf import settings
from urllib3.connection import HTTPConnection

from ml_proxy.exceptions import UpstreamTooLarge
from ml_proxy.upstream import deadline
from ml_proxy.upstream.client import (
    READ_AT_ONCE,
    Adapter,
    Answer,
    checked_fields,
    most_bytes,
    prepared,
    translated,
    whole,
)

LINES = frozenset({"application/x-ndjson", "application/ndjson"})
KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # seconds, seconds, times


class Reply:
    """An answer whose head has arrived. Its body can be had once: by lines, or whole."""

    def __init__(self, response: requests.Response, granted: deadline.Budget, started: float) -> None:
        self._response = response
        self._granted = granted
        self._started = started
        with translated():
            self._fields = checked_fields(response.raw)

    @property
    def comes_in_lines(self) -> bool:
        """Whether it is a 2xx of newline-delimited JSON."""
        media = next((value for name, value in self._fields if name.lower() == "content-type"), "")
        return 200 <= self._response.raw.status < 300 and media.split(";")[0].strip().lower() in LINES

    def whole(self) -> Answer:
        """All of it. Raises `UpstreamError`."""
        with translated():
            return whole(self._response, self._started)

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
        with translated():
            while piece := self._response.raw.read1(READ_AT_ONCE, decode_content=False):
                yield piece


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
    request = prepared("POST", path, query, fields, body)
    adapter = _Adapter(pool_connections=1, pool_maxsize=1, max_retries=0)
    started = time.perf_counter()
    with deadline.budget(total_seconds, total_seconds, most_bytes(), switch) as granted:
        try:
            with translated():
                timeout = (min(settings.UPSTREAM_CONNECT_SECONDS, granted.left()), granted.left())
                response = adapter.send(request, stream=True, timeout=timeout, proxies={})
            try:
                yield Reply(response, granted, started)
            finally:
                response.raw.close()
        finally:
            switch.release()
            adapter.close()


class _Adapter(Adapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        options += [
            (socket.IPPROTO_TCP, getattr(socket, name), value)
            for name, value in KEEP_ALIVE.items()
            if hasattr(socket, name)  # not everywhere
        ]
        super().init_poolmanager(*args, socket_options=[*HTTPConnection.default_socket_options, *options], **kwargs)
