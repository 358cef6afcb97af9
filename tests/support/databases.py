"""A database that is not there, for the length of a block."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")


def with_database_gone(ask: Callable[[], T]) -> T:
    """What `ask` gives in a thread whose connections to the database all fail, as if nobody listened there."""
    found: list[T] = []

    def run() -> None:
        try:
            found.append(ask())
        finally:
            connections.close_all()

    kept = dict(connection.settings_dict)
    connection.settings_dict.update(NAME="/no/such/folder/database", HOST="/no/such/folder")
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(60)
    finally:
        connection.settings_dict.update(kept)
    [answer] = found
    return answer


@contextmanager
def table_away(name: str) -> Iterator[None]:
    """The database answers, but one of its tables is not there."""
    _rename(name, f"{name}_away")
    try:
        yield
    finally:
        _rename(f"{name}_away", name)


def _rename(old: str, new: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")
