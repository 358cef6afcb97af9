"""Log lines as text or JSON: what each line contains, and what none may contain."""

import json
import logging
import logging.config
import os
import sys
import threading
import time
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any

import orjson

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="-")
current_batch: ContextVar[str] = ContextVar("current_batch", default="")

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

# Other attributes of a record are left out: Celery's contain arguments and exception texts.
_EXTRA = ("batch", "method", "path", "status", "duration_ms")

STDERR = 2  # the descriptor

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _format_second(number: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(number))


def local_time(moment: float) -> str:
    """Local time with milliseconds; `moment` is in seconds since 1970."""
    return f"{_format_second(int(moment))},{int(moment % 1 * 1000):03d}"


def about(*, request_id: str = "-", batch: str = "") -> None:
    """Sets the request id and the batch of this thread's log lines; without arguments, clears both."""
    current_request_id.set(request_id)
    current_batch.set(batch)


class RequestIDFilter(logging.Filter):
    """Adds `request_id` to each record, `-` outside a request; in the log's worker also the `batch`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True: drops no record."""
        record.request_id = current_request_id.get()
        if batch := current_batch.get():
            record.batch = batch
        return True


class SafeFormatter(logging.Formatter):
    """Shows the traceback and class of an exception, not its text: a database quotes the failing row in it."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Local time with milliseconds, as in `logging`, but computed only once per second."""
        return local_time(record.created)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's name
        """The frames and the class."""
        frames = "".join(traceback.format_tb(ei[2])).rstrip("\n")
        return f"{frames}\n{ei[0].__module__}.{ei[0].__qualname__}" if ei[0] else frames


class StderrHandler(logging.Handler):
    """Writes each line to standard error with one system call, without a lock.

    Threads wait for the lock of `StreamHandler`. At 32 connections that takes a tenth of the CPU time of a prediction.
    """

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Creates no lock."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the line; reports errors as `logging` does."""
        try:
            write_line(self.format(record))
        except Exception:  # noqa: BLE001 - as every handler of `logging`
            self.handleError(record)


def write_line(text: str) -> None:
    """Writes a line to standard error with one system call. Raises `OSError`."""
    line = f"{text}\n".encode(errors="backslashreplace")
    while line:
        line = line[os.write(STDERR, line) :]


class JSONFormatter(SafeFormatter):
    """One JSON object per line; times are RFC 3339 in UTC, `process` is the process id.

    Every request logs a line, and a general formatter takes five times as long.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, with members that cannot contain patient data."""
        attributes = vars(record)
        members = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": attributes.get("request_id"),
            "process": record.process,
            **{name: attributes[name] for name in _EXTRA if name in attributes},
        }
        if record.exc_info:
            members["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            members["stack_info"] = record.stack_info
        return _as_json(members)


def _as_json(members: dict[str, Any]) -> str:
    """The JSON text; texts that are not valid UTF-8, such as some file names, are escaped."""
    try:
        return orjson.dumps(members, default=str).decode()
    except orjson.JSONEncodeError:
        return json.dumps(members, default=str)


class MessageBodyFilter(logging.Filter):
    """Keeps message bodies out of the worker's log: Celery prints messages that it can't decode or does not know."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps only the first line of warnings and errors."""
        if record.levelno >= logging.WARNING:
            record.msg, record.args = str(record.msg).strip().splitlines()[0].split("%")[0], ()
        return True


class ExceptionsOnlyFilter(logging.Filter):
    """Drops records without an exception: for a 5xx of the model server, Django would log the model server's text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record has an exception."""
        return bool(record.exc_info)


def configure(config: dict[str, Any]) -> None:
    """Django's `LOGGING_CONFIG`. With JSON lines, Python's own warnings and tracebacks become JSON too."""
    logging.config.dictConfig(config)
    # No line shows source, thread or process: https://docs.python.org/3/howto/logging.html#optimization
    logging._srcfile, logging.logThreads, logging.logMultiprocessing = "", False, False  # noqa: SLF001
    if config["handlers"]["stderr"]["formatter"] == "json":
        logging.raiseExceptions = False  # otherwise a formatting error prints all arguments of the line
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
        sys.unraisablehook = lambda found: _log_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
        threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(kind: type[BaseException], exc: BaseException | None, frames: TracebackType | None) -> None:
    log.critical("uncaught %s", kind.__name__, exc_info=(kind, exc or BaseException(), frames))


def _log_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_type is not SystemExit:
        _log_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
