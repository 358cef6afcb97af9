"""What every log line carries, and what none may."""

import logging
import traceback
from contextvars import ContextVar
from types import TracebackType

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="-")

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class RequestIDFilter(logging.Filter):
    """Adds `request_id` to each record: the exchange's, or `-` outside one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a record."""
        record.request_id = current_request_id.get()
        return True


class QuietFormatter(logging.Formatter):
    """Shows where an exception came from and its class, not its text: a database quotes the failing row in it."""

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's name
        """The frames and the class."""
        frames = "".join(traceback.format_tb(ei[2])).rstrip("\n")
        return f"{frames}\n{ei[0].__module__}.{ei[0].__qualname__}" if ei[0] else frames


class NoMessageBodies(logging.Filter):
    """Keeps message bodies out of the worker's log: Celery prints whole ones it can't decode or does not know."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replaces the text of what Celery's consumer complains about by its first line."""
        if record.levelno >= logging.WARNING:
            record.msg, record.args = str(record.msg).strip().splitlines()[0].split("%")[0], ()
        return True
