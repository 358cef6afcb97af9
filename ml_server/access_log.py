"""Logs one line per request, without its query string and body."""

import logging
from time import perf_counter
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, request

from ml_server.logs import clean_id, request_id
from ml_server.stats import Stats

MAX_PATH_LENGTH = 200

log = logging.getLogger(__name__)


def log_requests(app: Flask, stats: Stats) -> None:
    """Counts the requests to `app`, and logs each one once its response is sent or its client has disconnected."""

    @app.before_request
    def start() -> None:
        g.started = perf_counter()
        stats.add_request()

    @app.after_request
    def end(response: Response) -> Response:
        started, fields = g.started, _fields(response)
        response.call_on_close(lambda: _log(fields, (perf_counter() - started) * 1000))
        return response


def log_exchange(method: str, path: str, status: int, seconds: float, request_id: str) -> None:
    """Logs a request that Flask did not see. `request_id` is the header's value."""
    _log({"method": method, "path": path, "status": status, "request_id": clean_id(request_id)}, seconds * 1000)


def _fields(response: Response) -> dict[str, Any]:
    """Reads the request now, because it is gone once the response is sent. The path is quoted against log injection."""
    path = quote(request.path)[:MAX_PATH_LENGTH]
    return {"method": request.method, "path": path, "status": response.status_code, "request_id": request_id()}


def _log(fields: dict[str, Any], milliseconds: float) -> None:
    values = fields["method"], fields["path"], fields["status"], milliseconds, fields["request_id"]
    fields["duration_ms"] = round(milliseconds, 1)
    log.info("%s %s %s %.1f ms request_id=%s", *values, extra=fields)
