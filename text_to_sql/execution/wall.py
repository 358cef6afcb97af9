"""The database's own wall: what holds if the guard lets a hostile statement pass.

The session reads only, the protocol takes one statement, and the database ends it at its time-out. The statement is
planned before it runs. `drivers` sets up the session.
"""

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pymysql
from pymysql.cursors import SSCursor

from text_to_sql.connections.drivers import DRIVER_ERRORS, connect, said
from text_to_sql.connections.info import ConnectionInfo
from text_to_sql.exceptions import StatementFailed, TargetError, TargetTimeout
from text_to_sql.execution.result import Limits, Result, collect

_MYSQL_TIMEOUTS = {1028, 1205, 1317, 1969, 3024}
_MYSQL_LOST = {2006, 2013, 2014, 2055, 1053, 1927}
_SQLITE_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_SQLITE_FUNCTIONS = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "randomblob", "zeroblob"}


def run(info: ConnectionInfo, sql: str, readable: Collection[str], limits: Limits) -> Result:
    """Plans and runs one statement. `readable` are the tables that SQLite may read; the others have rights for that.

    Raises `StatementFailed`, `TargetError` or `TargetTimeout`.
    """
    connection = connect(info, limits.seconds)
    try:
        with _deadline(lambda: _CANCEL[info.engine](connection, info), limits.seconds):
            return _RUN[info.engine](connection, sql, readable, limits)
    except DRIVER_ERRORS as exc:
        raise _translated(exc, info, limits) from None
    finally:
        with suppress(*DRIVER_ERRORS, OSError):
            connection.close()


@contextmanager
def _deadline(cancel: Callable[[], None], seconds: float) -> Iterator[None]:
    """Cancels the statement in the database if its own time-out did not end it."""
    timer = threading.Timer(seconds + 0.2, cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _run_postgres(connection: "psycopg.Connection[Any]", sql: str, _: Collection[str], limits: Limits) -> Result:
    """`stream` uses the extended protocol, which takes one statement only."""
    with connection.cursor() as cursor:
        for _plan in cursor.stream(b"EXPLAIN " + sql.encode()):
            pass
    with connection.cursor() as cursor:
        rows = cursor.stream(sql.encode())
        first = next(rows, None)
        names = [column.name for column in cursor.description or []]
        return collect(names, _chained(first, rows), limits)


def _run_mysql(connection: "pymysql.Connection[Any]", sql: str, _: Collection[str], limits: Limits) -> Result:
    """The connection does not ask for several statements, so the server takes one only."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
    cursor = connection.cursor(SSCursor)  # not closed: that would read the rest of the rows
    cursor.execute("START TRANSACTION READ ONLY")
    cursor.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return collect(names, iter(cursor.fetchone, None), limits)


def _run_sqlite(connection: sqlite3.Connection, sql: str, readable: Collection[str], limits: Limits) -> Result:
    """The authorizer sees every table and function that the statement uses."""
    connection.set_authorizer(_authorizer(_hidden(connection, readable)))
    connection.execute(f"EXPLAIN {sql}").close()
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return collect(names, cursor, limits)


def _hidden(connection: sqlite3.Connection, readable: Collection[str]) -> set[str]:
    """The tables and views of the file that may not be read, in lower case."""
    names = {name.lower() for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    return names - {name.lower() for name in readable}


def _authorizer(hidden: Collection[str]) -> Callable[..., int]:
    def decide(action: int, first: str | None, second: str | None, *_: object) -> int:
        if action not in _SQLITE_ALLOWED:
            return sqlite3.SQLITE_DENY
        table = (first or "").lower()
        if action == sqlite3.SQLITE_READ and (table in hidden or table.startswith(("sqlite_", "pragma_"))):
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _SQLITE_FUNCTIONS:
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    return decide


def _chained(first: Any, rows: Iterator[Any]) -> Iterator[Any]:
    if first is not None:
        yield first
        yield from rows


def _cancel_postgres(connection: "psycopg.Connection[Any]", _: ConnectionInfo) -> None:
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=5)


def _cancel_mysql(connection: "pymysql.Connection[Any]", info: ConnectionInfo) -> None:
    with suppress(pymysql.Error, TargetError):
        other = connect(info, 5)
        with other.cursor() as cursor:
            cursor.execute("KILL QUERY %s", (connection.thread_id(),))  # type: ignore[no-untyped-call]
        other.close()


def _cancel_sqlite(connection: sqlite3.Connection, _: ConnectionInfo) -> None:
    with suppress(sqlite3.Error):
        connection.interrupt()


def _translated(exc: Exception, info: ConnectionInfo, limits: Limits) -> Exception:
    if _is_timeout(exc):
        return TargetTimeout(f"The database did not answer within {limits.seconds:g} s: ask for less.")
    if _is_lost(exc):
        return TargetError(f"The database broke the connection off: {said(exc, info)}")
    return StatementFailed(f"The database says: {said(exc, info)}")


def _is_timeout(exc: Exception) -> bool:
    if isinstance(exc, pymysql.Error):
        return bool(exc.args) and exc.args[0] in _MYSQL_TIMEOUTS
    if isinstance(exc, sqlite3.Error):
        return getattr(exc, "sqlite_errorcode", 0) in {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY}
    return isinstance(exc, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable)


def _is_lost(exc: Exception) -> bool:
    if isinstance(exc, pymysql.Error):
        return isinstance(exc, pymysql.InterfaceError) or (bool(exc.args) and exc.args[0] in _MYSQL_LOST)
    return isinstance(exc, psycopg.OperationalError | psycopg.InterfaceError)


_RUN: dict[str, Callable[..., Result]] = {"postgres": _run_postgres, "mysql": _run_mysql, "sqlite": _run_sqlite}
_CANCEL: dict[str, Callable[..., None]] = {
    "postgres": _cancel_postgres,
    "mysql": _cancel_mysql,
    "sqlite": _cancel_sqlite,
}
