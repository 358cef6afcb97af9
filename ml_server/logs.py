"""The log on stderr: text for a reader, or JSON for a machine. Of an exception it shows where and which class."""

import logging
import re
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from flask import has_request_context, request
from pythonjsonlogger.json import JsonFormatter

LONGEST_ID = 200
UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
ALWAYS = ("levelname", "name", "message", "request_id", "process")
RENAMED = {"levelname": "level", "name": "logger", "exc_info": "exception"}
SHOWN = frozenset(
    {"timestamp", "level", "logger", "message", "request_id", "process", "exception", "stack_info"}
    | {"method", "path", "status", "duration_ms"}
)

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

log = logging.getLogger(__name__)


def log_to_stderr(level: str, style: str) -> None:
    """Sends the log to stderr; `style` is `line` or `json`. With `json`, what Python itself would print is JSON too."""
    handler = logging.StreamHandler()
    handler.addFilter(RequestIDFilter())
    handler.setFormatter(JSONFormatter() if style == "json" else QuietFormatter(LINE))
    logging.basicConfig(level=level, handlers=[handler])
    # A queue of requests is no fault: waitress warns of each.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    if style == "json":
        logging.raiseExceptions = False  # a line that can't be made is printed with all its arguments
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
        sys.unraisablehook = lambda found: _log_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
        threading.excepthook = _log_uncaught_in_thread


def request_id() -> str:
    """The id that the current request came with, or `-`; cleaned, so that no caller can write lines of his own."""
    given = request.headers.get("X-Request-ID", "-") if has_request_context() else "-"
    return UNPRINTABLE.sub("?", given)[:LONGEST_ID]


class RequestIDFilter(logging.Filter):
    """Adds `request_id` to each record that has none yet."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a record."""
        if not hasattr(record, "request_id"):
            record.request_id = request_id()
        return True


class QuietFormatter(logging.Formatter):
    """Shows where an exception came from and its class: its text may quote a body."""

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's name
        """The frames and the class."""
        frames = "".join(traceback.format_tb(ei[2])).rstrip("\n")
        return f"{frames}\n{ei[0].__module__}.{ei[0].__qualname__}" if ei[0] else frames


class JSONFormatter(QuietFormatter, JsonFormatter):
    """One JSON object a line; times are RFC 3339 in UTC, `process` is the process' id."""

    def __init__(self) -> None:
        super().__init__(ALWAYS, rename_fields=RENAMED, timestamp=True)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The members that are known to hold no patient's data."""
        return {name: value for name, value in log_data.items() if name in SHOWN}


def _log_uncaught(kind: type[BaseException], exc: BaseException | None, frames: TracebackType | None) -> None:
    log.critical("nobody caught %s", kind.__name__, exc_info=(kind, exc or BaseException(), frames))


def _log_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_type is not SystemExit:
        _log_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
