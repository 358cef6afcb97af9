"""One long exchange with the model server: its answer may come line by line, and another thread may cut it off.

It has a connection of its own, so that a cut can never hit another exchange, and a model server that vanished without
a word is noticed by TCP's own keep-alive: the answer itself may rightly be silent for as long as the work takes.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import requests
from django.conf import settings

from common.outbound import bodies, sessions
from common.outbound.deadline import Budget, Switch
from ml_proxy.upstream.client import Answer, Request, Translated, ask, granting, whole

LINES = frozenset({"application/x-ndjson", "application/ndjson"})


class Reply:
    """An answer whose head has arrived. Its body can be had once: by lines, or whole."""

    def __init__(self, response: requests.Response, granted: Budget, started: float) -> None:
        self._response = response
        self._granted = granted
        self._started = started

    @property
    def comes_in_lines(self) -> bool:
        """Whether it is a 2xx of newline-delimited JSON."""
        media = str(self._response.headers.get("Content-Type", "")).partition(";")[0]
        return 200 <= self._response.status_code < 300 and media.strip().lower() in LINES

    def whole(self) -> Answer:
        """All of it. Raises `UpstreamError`."""
        with Translated():
            return whole(self._response, self._started)

    def lines(self) -> Iterator[bytes]:
        """Each line as soon as it is there, without its end. Raises `UpstreamError`."""
        lines = bodies.read_lines(self._response, settings.MAX_ANSWER_BYTES, self._granted)
        while True:
            with Translated():
                line = next(lines, None)
            if line is None:
                return
            yield line


@contextmanager
def exchange(
    path: str,
    *,
    fields: Mapping[str, str],
    body: bytes,
    query: str = "",
    total_seconds: float,
    switch: Switch,
) -> Iterator[Reply]:
    """Sends one POST to `{ML_SERVER_URL}/api/v1/{path}`; leaving the block ends the exchange, read or not.

    Raises an `UpstreamError`; one that tells nothing where `switch` was cut: whoever cut it knows why.
    """
    started = time.perf_counter()
    granted = granting(total_seconds, total_seconds, switch)
    try:
        with sessions.one_exchange() as session:
            with Translated():
                response = ask(session, Request("POST", path, query, fields, body), granted)
            with closing(response):
                yield Reply(response, granted, started)
    finally:
        switch.release()
