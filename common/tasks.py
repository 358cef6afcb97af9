"""What the Celery tasks of all apps share."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection


class NoDatabase(Exception):
    """The task could not do its work, and will be sent again. Holds no row's text."""


@contextmanager
def database_needed() -> Iterator[None]:
    """Turns a database's error in the block into `NoDatabase`, whose text tells nothing of a row."""
    try:
        yield
    except (DatabaseError, InterfaceError) as exc:
        connection.close()
        raise NoDatabase(f"no database ({type(exc).__name__})") from None
