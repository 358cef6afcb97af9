"""Shared code of Celery tasks."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection


class NoDatabase(Exception):
    """The database failed; the task will be sent again. The message contains no row data."""


@contextmanager
def database_needed() -> Iterator[None]:
    """Turns database errors in the block into `NoDatabase`, whose message contains no row data."""
    try:
        yield
    except (DatabaseError, InterfaceError) as exc:
        connection.close()
        raise NoDatabase(f"no database ({type(exc).__name__})") from None
