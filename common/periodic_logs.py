"""Keeps periodic tasks out of the log: Celery prints three lines for each, every few seconds."""

import logging

from common.periodic import registered

_CELERYS_OWN = {"celery.backend_cleanup"}


class PeriodicTaskFilter(logging.Filter):
    """Drops the INFO lines that say that a periodic task was sent, received or succeeded. Failures stay."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is kept."""
        if record.levelno != logging.INFO:
            return True
        return _task(record) not in {task.task for task in registered()} | _CELERYS_OWN


def _task(record: logging.LogRecord) -> str:
    """The name of the task that Celery's line is about: workers give a dictionary, beat the entry and the task."""
    if isinstance(record.args, dict):
        return str(record.args.get("name", ""))
    return str(record.args[-1]) if isinstance(record.args, tuple) and record.args else ""
