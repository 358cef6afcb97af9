"""One long exchange with the model server: the answer may arrive line by line, and another thread may abort it.

Each exchange has its own connection, so an abort never affects another exchange. TCP keep-alive detects a model server
that disappeared; the answer itself may legitimately be silent for as long as the work takes.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import requests
from django.conf import settings

from common.outbound import bodies, sessions
from common.outbound.deadline import Budget, Switch
from ml_proxy.upstream.client import Answer, ErrorTranslation, Request, exchange_budget, read_answer, send_request

LINES = frozenset({"application/x-ndjson", "application/ndjson"})


class Reply:
    """An answer whose head has arrived. Its body can be read once: by lines, or whole."""

    def __init__(self, response: requests.Response, limits: Budget, started: float) -> None:
        self._response = response
        self._limits = limits
        self._started = started

    @property
    def is_ndjson(self) -> bool:
        """Whether the answer is a 2xx with newline-delimited JSON."""
        media = str(self._response.headers.get("Content-Type", "")).partition(";")[0]
        return 200 <= self._response.status_code < 300 and media.strip().lower() in LINES

    def read(self) -> Answer:
        """Reads the whole answer. Raises `UpstreamError`."""
        with ErrorTranslation():
            return read_answer(self._response, self._started)

    def lines(self) -> Iterator[bytes]:
        """Yields each line as soon as it arrives, without its line ending. Raises `UpstreamError`."""
        lines = bodies.read_lines(self._response, settings.MAX_ANSWER_BYTES, self._limits)
        while True:
            with ErrorTranslation():
                line = next(lines, None)
            if line is None:
                return
            yield line


@contextmanager
def exchange(
    path: str,
    *,
    method: str = "POST",
    fields: Mapping[str, str],
    body: bytes = b"",
    query: str = "",
    total_seconds: float,
    switch: Switch,
) -> Iterator[Reply]:
    """Sends one request to `{ML_SERVER_URL}/api/v1/{path}`; leaving the block ends the exchange, even if unread.

    Raises an `UpstreamError`. If `switch` was cut, the error does not say why the exchange ended.
    """
    started = time.perf_counter()
    limits = exchange_budget(total_seconds, total_seconds, switch)
    try:
        with sessions.one_exchange() as session:
            with ErrorTranslation():
                response = send_request(session, Request(method, path, query, fields, body), limits)
            with closing(response):
                yield Reply(response, limits, started)
    finally:
        switch.release()
