"""What every log line carries, and what none may: as text for a reader, or as JSON for a machine."""

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

# Whatever else a library hangs on a record stays behind: Celery's hold arguments and the texts of exceptions.
_EXTRA = ("batch", "method", "path", "status", "duration_ms")

STDERR = 2  # the descriptor

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _second(number: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(number))


def local_time(moment: float) -> str:
    """To the millisecond; `moment` is in seconds since 1970."""
    return f"{_second(int(moment))},{int(moment % 1 * 1000):03d}"


def about(*, request_id: str = "-", batch: str = "") -> None:
    """Names what this thread's lines are about from here on; called with nothing, they are about nothing again."""
    current_request_id.set(request_id)
    current_batch.set(batch)


class RequestIDFilter(logging.Filter):
    """Adds `request_id` to each record, the exchange's or `-` outside one; in the log's worker the `batch` too."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a record."""
        record.request_id = current_request_id.get()
        if batch := current_batch.get():
            record.batch = batch
        return True


class SafeFormatter(logging.Formatter):
    """Shows where an exception came from and its class, not its text: a database quotes the failing row in it."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Local time to the millisecond, as logging's own, which would work it out anew for each line of a second."""
        return local_time(record.created)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's name
        """The frames and the class."""
        frames = "".join(traceback.format_tb(ei[2])).rstrip("\n")
        return f"{frames}\n{ei[0].__module__}.{ei[0].__qualname__}" if ei[0] else frames


class StderrHandler(logging.Handler):
    """Standard error, each line by one write of its own, for which no thread has to wait.

    Behind the lock of `StreamHandler` threads queue up, and each has to be woken: at 32 connections a tenth of the
    processor's time for a prediction.
    """

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """None."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Writes it; what can't be written is told as logging tells it."""
        try:
            write_line(self.format(record))
        except Exception:  # noqa: BLE001 - as every handler of logging's
            self.handleError(record)


def write_line(text: str) -> None:
    """On standard error, by one write. Raises `OSError`."""
    line = f"{text}\n".encode(errors="backslashreplace")
    while line:
        line = line[os.write(STDERR, line) :]


class JSONFormatter(SafeFormatter):
    """One JSON object a line; times are RFC 3339 in UTC, `process` is the process' id.

    It is written out here because every request has a line: a general formatter takes five times as long.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The members that are known to hold no patient's data."""
        given = vars(record)
        members = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": given.get("request_id"),
            "process": record.process,
            **{name: given[name] for name in _EXTRA if name in given},
        }
        if record.exc_info:
            members["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            members["stack_info"] = record.stack_info
        return _as_json(members)


def _as_json(members: dict[str, Any]) -> str:
    """The object; a text that UTF-8 can't hold, such as a file's name, is written with escapes."""
    try:
        return orjson.dumps(members, default=str).decode()
    except orjson.JSONEncodeError:
        return json.dumps(members, default=str)


class MessageBodyFilter(logging.Filter):
    """Keeps message bodies out of the worker's log: Celery prints whole ones it can't decode or does not know."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replaces the text of what Celery's consumer complains about by its first line."""
        if record.levelno >= logging.WARNING:
            record.msg, record.args = str(record.msg).strip().splitlines()[0].split("%")[0], ()
        return True


class ExceptionsOnlyFilter(logging.Filter):
    """Drops what was not raised here: of a model's own 5xx, Django would print the reason in the model's words."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record tells of an exception."""
        return bool(record.exc_info)


def configure(config: dict[str, Any]) -> None:
    """Django's `LOGGING_CONFIG`. Where lines are JSON, so is what Python itself would print."""
    logging.config.dictConfig(config)
    # As https://docs.python.org/3/howto/logging.html#optimization says: no line shows its source, thread or process.
    logging._srcfile, logging.logThreads, logging.logMultiprocessing = "", False, False  # noqa: SLF001
    if config["handlers"]["stderr"]["formatter"] == "json":
        logging.raiseExceptions = False  # a line that can't be made is printed with all its arguments
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
        sys.unraisablehook = lambda found: _log_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
        threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(kind: type[BaseException], exc: BaseException | None, frames: TracebackType | None) -> None:
    log.critical("nobody caught %s", kind.__name__, exc_info=(kind, exc or BaseException(), frames))


def _log_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_type is not SystemExit:
        _log_uncaught(found.exc_type, found.exc_value, found.exc_traceback)
