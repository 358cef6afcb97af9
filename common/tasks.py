"""Shared code of Celery tasks."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, connection

from common.database_errors import trouble


class NoDatabase(Exception):
    """The database failed; the task will be sent again. The message contains no row data."""


@contextmanager
def database_needed() -> Iterator[None]:
    """Turns database errors in the block into `NoDatabase`, whose message contains no row data."""
    try:
        yield
    except Error as exc:
        problem = trouble(exc) or "fails"
        connection.close()
        raise NoDatabase(f"the database {problem} ({type(exc).__name__})") from None
