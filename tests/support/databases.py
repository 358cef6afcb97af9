"""Makes the database, or a table, unavailable, read-only or full for a block."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

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


@contextmanager
def read_only() -> Iterator[None]:
    """The database refuses writes, like the standby that a fail-over left in place; new connections' writes too."""
    if connection.vendor == "sqlite":
        on, off = ["PRAGMA query_only = on"], ["PRAGMA query_only = off"]
    else:
        others = f"ALTER DATABASE {connection.ops.quote_name(connection.settings_dict['NAME'])}"
        on = [f"{others} SET default_transaction_read_only = on", "SET default_transaction_read_only = on"]
        off = ["SET default_transaction_read_only = off", f"{others} RESET default_transaction_read_only"]
    for statement in on:
        _execute(statement)
    try:
        yield
    finally:
        for statement in off:
            _execute(statement)


@contextmanager
def full(table: str) -> Iterator[None]:
    """The disk has no space for rows of this table. On PostgreSQL a trigger reports what a full disk would."""
    if connection.vendor == "postgresql":
        with failing(table, "53100"):
            yield
        return
    _execute("VACUUM")  # rows would fit into pages that are free
    [pages] = _execute("PRAGMA page_count")
    [most] = _execute("PRAGMA max_page_count")
    _execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        _execute(f"PRAGMA max_page_count = {most}")


@contextmanager
def failing(table: str, sqlstate: str) -> Iterator[None]:
    """PostgreSQL refuses each new row of this table with this SQLSTATE."""
    _execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlstate}'; END $$"
    )
    _execute(f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()")
    try:
        yield
    finally:
        _execute("DROP FUNCTION refuse CASCADE")


def _rename(old: str, new: str) -> None:
    _execute(f"ALTER TABLE {old} RENAME TO {new}")


def _execute(statement: str) -> list[Any]:
    """The first row of the result; empty if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchone() or ()) if cursor.description else []
