"""One line per request: never a query, never a body."""

import logging
import re
from time import perf_counter
from urllib.parse import quote

from flask import Flask, Response, g, request

from ml_server.stats import Stats

LONGEST = 200
UNPRINTABLE = re.compile(r"[^\x21-\x7e]")

log = logging.getLogger(__name__)


def log_requests(app: Flask, stats: Stats) -> None:
    """Logs and counts what `app` answers, once the answer is written or its caller gone."""

    @app.before_request
    def start() -> None:
        g.started = perf_counter()
        stats.add_request()

    @app.after_request
    def end(response: Response) -> Response:
        started, line = g.started, _line(response)
        response.call_on_close(lambda: log.info("%s %.1f ms %s", line[0], (perf_counter() - started) * 1000, line[1]))
        return response


def _line(response: Response) -> tuple[str, str]:
    """What comes before and after the time. Quoted, so that no caller can write lines of his own."""
    request_id = UNPRINTABLE.sub("?", request.headers.get("X-Request-ID", "-"))[:LONGEST]
    return f"{request.method} {quote(request.path)[:LONGEST]} {response.status_code}", f"request_id={request_id}"
