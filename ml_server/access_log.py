"""One line per request: never a query, never a body."""

import logging
from time import perf_counter
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, request

from ml_server.logs import request_id
from ml_server.stats import Stats

LONGEST_PATH = 200

log = logging.getLogger(__name__)


def log_requests(app: Flask, stats: Stats) -> None:
    """Logs and counts what `app` answers, once the answer is written or its caller gone."""

    @app.before_request
    def start() -> None:
        g.started = perf_counter()
        stats.add_request()

    @app.after_request
    def end(response: Response) -> Response:
        started, told = g.started, _told(response)
        response.call_on_close(lambda: _log(told, (perf_counter() - started) * 1000))
        return response


def _told(response: Response) -> dict[str, Any]:
    """Read now: once the answer is written, its request is gone. Quoted, so that no caller writes lines of his own."""
    path = quote(request.path)[:LONGEST_PATH]
    return {"method": request.method, "path": path, "status": response.status_code, "request_id": request_id()}


def _log(told: dict[str, Any], milliseconds: float) -> None:
    words = told["method"], told["path"], told["status"], milliseconds, told["request_id"]
    told["duration_ms"] = round(milliseconds, 1)
    log.info("%s %s %s %.1f ms request_id=%s", *words, extra=told)
