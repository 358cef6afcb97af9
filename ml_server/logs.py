"""Logs to stderr as text or as JSON. Of an exception only its class and its frames are logged, not its message."""

import json
import logging
import os
import re
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType

from flask import has_request_context, request

MAX_ID_LENGTH = 200
UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
EXTRA = ("method", "path", "status", "duration_ms")  # other attributes of a record may hold patient data
STDERR = 2  # the descriptor

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

log = logging.getLogger(__name__)


def log_to_stderr(level: str, style: str) -> None:
    """Sends the log to stderr. `style` is `line` or `json`; with `json`, Python's own messages are JSON too."""
    handler = StderrHandler()
    handler.addFilter(RequestIDFilter())
    handler.setFormatter(JSONFormatter() if style == "json" else SafeFormatter(LINE))
    logging.basicConfig(level=level, handlers=[handler])
    # No line shows source, thread or task: https://docs.python.org/3/howto/logging.html#optimization
    logging._srcfile, logging.logThreads = "", False  # noqa: SLF001
    # waitress warns of each request that has to wait for a thread, which is normal under load.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    if style == "json":
        logging.raiseExceptions = False  # logging would print a record that it can't format, with all its arguments
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
        sys.unraisablehook = lambda found: _log_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
        threading.excepthook = _log_uncaught_in_thread


def request_id() -> str:
    """The current request's `X-Request-ID`, or `-`."""
    return clean_id(request.headers.get("X-Request-ID", "-")) if has_request_context() else "-"


def clean_id(header: str) -> str:
    """The value of an `X-Request-ID` as the log shows it. Unprintable characters are replaced against log injection."""
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

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Local time with milliseconds, as in `logging`, but computed only once per second."""
        return f"{_format_second(int(record.created))},{int(record.msecs):03d}"

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name in logging
        """Returns the frames and the class."""
        frames = "".join(traceback.format_tb(ei[2])).rstrip("\n")
        return f"{frames}\n{ei[0].__module__}.{ei[0].__qualname__}" if ei[0] else frames


class JSONFormatter(SafeFormatter):
    """One JSON object per line. Times are RFC 3339 in UTC; `process` is the process id.

    Every request logs a line. A general formatter took a third of a prediction's CPU time.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Keeps only the members that never hold patient data."""
        attributes = vars(record)
        members = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": attributes.get("request_id"),
            "process": record.process,
            **{name: attributes[name] for name in EXTRA if name in attributes},
        }
        if record.exc_info:
            members["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            members["stack_info"] = record.stack_info
        return json.dumps(members, default=str)


class StderrHandler(logging.Handler):
    """Writes each line to standard error with one system call, without a lock for which threads would wait."""

    def createLock(self) -> None:  # noqa: N802 - the name in logging
        """Creates no lock."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the line; reports errors as `logging` does."""
        try:
            line = f"{self.format(record)}\n".encode(errors="backslashreplace")
            while line:
                line = line[os.write(STDERR, line) :]
        except Exception:  # noqa: BLE001 - as every handler of `logging`
            self.handleError(record)


@lru_cache(maxsize=1)
def _format_second(number: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(number))


def _log_uncaught(kind: type[BaseException], exc: BaseException | None, frames: TracebackType | None) -> None:
    log.critical("uncaught %s", kind.__name__, exc_info=(kind, exc or BaseException(), frames))


def _log_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_type is not SystemExit:
        _log_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
