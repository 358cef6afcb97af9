"""Makes the database, or a table, unavailable for a block."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")


def with_database_down(query: Callable[[], T]) -> T:
    """The result of `query` in a thread whose database connections all fail."""
    results: list[T] = []

    def run() -> None:
        try:
            results.append(query())
        finally:
            connections.close_all()

    saved = dict(connection.settings_dict)
    connection.settings_dict.update(NAME="/no/such/folder/database", HOST="/no/such/folder")
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(60)
    finally:
        connection.settings_dict.update(saved)
    [result] = results
    return result


@contextmanager
def table_missing(name: str) -> Iterator[None]:
    """The database works, but one of its tables is missing."""
    _rename(name, f"{name}_away")
    try:
        yield
    finally:
        _rename(f"{name}_away", name)


def _rename(old: str, new: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")
