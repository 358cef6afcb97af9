"""Logs to stderr as text or as JSON. Of an exception only its class and its frames are logged, not its message."""

import logging
import re
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from flask import has_request_context, request
from pythonjsonlogger.json import JsonFormatter

MAX_ID_LENGTH = 200
UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
REQUIRED = ("levelname", "name", "message", "request_id", "process")
RENAMED = {"levelname": "level", "name": "logger", "exc_info": "exception"}
ALLOWED = frozenset(
    {"timestamp", "level", "logger", "message", "request_id", "process", "exception", "stack_info"}
    | {"method", "path", "status", "duration_ms"}
)

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

log = logging.getLogger(__name__)


def log_to_stderr(level: str, style: str) -> None:
    """Sends the log to stderr. `style` is `line` or `json`; with `json`, Python's own messages are JSON too."""
    handler = logging.StreamHandler()
    handler.addFilter(RequestIDFilter())
    handler.setFormatter(JSONFormatter() if style == "json" else SafeFormatter(LINE))
    logging.basicConfig(level=level, handlers=[handler])
    # waitress warns of each request that has to wait for a thread, which is normal under load.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    if style == "json":
        logging.raiseExceptions = False  # logging would print a record that it can't format, with all its arguments
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
        sys.unraisablehook = lambda found: _log_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
        threading.excepthook = _log_uncaught_in_thread


def request_id() -> str:
    """The current request's `X-Request-ID`, or `-`. Unprintable characters are replaced against log injection."""
    header = request.headers.get("X-Request-ID", "-") if has_request_context() else "-"
    return UNPRINTABLE.sub("?", header)[:MAX_ID_LENGTH]


class RequestIDFilter(logging.Filter):
    """Adds `request_id` to each record that has none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a record."""
        if not hasattr(record, "request_id"):
            record.request_id = request_id()
        return True


class SafeFormatter(logging.Formatter):
    """Logs an exception's frames and class, but not its message, which may quote a request body."""

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name in logging
        """Returns the frames and the class."""
        frames = "".join(traceback.format_tb(ei[2])).rstrip("\n")
        return f"{frames}\n{ei[0].__module__}.{ei[0].__qualname__}" if ei[0] else frames


class JSONFormatter(SafeFormatter, JsonFormatter):
    """One JSON object per line. Times are RFC 3339 in UTC; `process` is the process id."""

    def __init__(self) -> None:
        super().__init__(REQUIRED, rename_fields=RENAMED, timestamp=True)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Keeps only the members that never hold patient data."""
        return {name: value for name, value in log_data.items() if name in ALLOWED}


def _log_uncaught(kind: type[BaseException], exc: BaseException | None, frames: TracebackType | None) -> None:
    log.critical("uncaught %s", kind.__name__, exc_info=(kind, exc or BaseException(), frames))


def _log_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_type is not SystemExit:
        _log_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
