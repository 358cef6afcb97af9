"""The database's own wall: what holds if the guard lets a hostile statement pass.

The session reads only, the protocol takes one statement, and the database ends it at its time-out. The statement is
planned before it runs. `drivers` sets up the session, and `sqlite_wall` what SQLite has in place of roles.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import psycopg
import pymysql
from pymysql.cursors import SSCursor

from text_to_sql.connections.drivers import DRIVER_ERRORS, connect, descriptor, said
from text_to_sql.connections.info import ConnectionInfo
from text_to_sql.exceptions import StatementCancelled, StatementFailed, TargetError, TargetTimeout
from text_to_sql.execution import sqlite_wall
from text_to_sql.execution.result import Limits, Result, collect
from text_to_sql.execution.watch import Audience, Ending, Watch
from text_to_sql.guard import Table

log = logging.getLogger(__name__)

CANCEL_SECONDS = 2
_MYSQL_NO_PLAN = 1345
_MYSQL_TIMEOUTS = {1028, 1205, 1317, 1969, 3024}
_MYSQL_LOST = {2006, 2013, 2014, 2055, 1053, 1927}
Collected = Callable[..., Result]
T = TypeVar("T")


def run(
    info: ConnectionInfo, sql: str, readable: Sequence[Table], limits: Limits, audience: Audience | None = None
) -> Result:
    """Plans and runs one statement. `readable` are the tables that SQLite may read; the others have rights for that.

    Raises `StatementFailed`, `StatementCancelled`, `TargetError` or `TargetTimeout`.
    """
    audience = audience or Audience()
    collected = partial(collect, limits=limits, on_rows=audience.on_rows)

    def planned_and_run(connection: Any) -> Result:
        _PLAN[info.engine](connection, sql)
        return _RUN[info.engine](connection, sql, collected)

    return _connected(planned_and_run, info, readable, limits, audience)


def plan(info: ConnectionInfo, sql: str, readable: Sequence[Table], limits: Limits) -> None:
    """Plans one statement. It runs only if the role is not told the plan, so give it LIMIT 0. Raises as `run`."""

    def planned(connection: Any) -> None:
        if not _PLAN[info.engine](connection, sql):
            _RUN[info.engine](connection, sql, partial(collect, limits=limits))

    _connected(planned, info, readable, limits, Audience())


def _connected(
    use: Callable[[Any], T], info: ConnectionInfo, readable: Sequence[Table], limits: Limits, audience: Audience
) -> T:
    """What `use` returns for a new connection, which is watched, and closed then."""
    connection = connect(info, limits.seconds)
    watch = Watch(
        lambda: _CANCEL[info.engine](connection, info),
        descriptor(connection, info),
        limits.seconds,
        audience.is_wanted,
    )
    try:
        with watch:
            if info.engine == "sqlite":
                sqlite_wall.build(connection, readable, limits.seconds)
            return use(connection)
    except Exception as exc:  # noqa: BLE001 - drivers raise anything for bytes that are no protocol
        raise _translated(exc, info, limits, watch.ending) from None
    finally:
        with suppress(*DRIVER_ERRORS, OSError):
            connection.close()


def _plan_postgres(connection: "psycopg.Connection[Any]", sql: str) -> bool:
    """`stream` uses the extended protocol, which takes one statement only."""
    with connection.cursor() as cursor:
        for _line in cursor.stream(b"EXPLAIN " + sql.encode()):
            pass
    return True


def _run_postgres(connection: "psycopg.Connection[Any]", sql: str, collected: Collected) -> Result:
    with connection.cursor() as cursor:
        rows = cursor.stream(sql.encode())
        first = next(rows, None)
        names = [column.name for column in cursor.description or []]
        return collected(names, _chained(first, rows))


def _plan_mysql(connection: "pymysql.Connection[Any]", sql: str) -> bool:
    """A role that may read a view, but not the tables below it, is not told the plan.

    The connection does not ask for several statements, so the server takes one only.
    """
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"EXPLAIN {sql}")
        except pymysql.Error as exc:
            if exc.args[:1] != (_MYSQL_NO_PLAN,):
                raise
            return False
    return True


def _run_mysql(connection: "pymysql.Connection[Any]", sql: str, collected: Collected) -> Result:
    cursor = connection.cursor(SSCursor)  # not closed: that would read the rest of the rows
    cursor.execute("START TRANSACTION READ ONLY")
    cursor.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return collected(names, iter(cursor.fetchone, None))


def _plan_sqlite(connection: sqlite3.Connection, sql: str) -> bool:
    connection.execute(f"EXPLAIN {sql}").close()
    return True


def _run_sqlite(connection: sqlite3.Connection, sql: str, collected: Collected) -> Result:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return collected(names, cursor)


def _chained(first: Any, rows: Iterator[Any]) -> Iterator[Any]:
    if first is not None:
        yield first
        yield from rows


def _cancel_postgres(connection: "psycopg.Connection[Any]", _: ConnectionInfo) -> None:
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=CANCEL_SECONDS)


def _cancel_mysql(connection: "pymysql.Connection[Any]", info: ConnectionInfo) -> None:
    with suppress(pymysql.Error, TargetError):
        other = connect(info, CANCEL_SECONDS)
        with other.cursor() as cursor:
            cursor.execute("KILL QUERY %s", (connection.thread_id(),))  # type: ignore[no-untyped-call]
        other.close()


def _cancel_sqlite(connection: sqlite3.Connection, _: ConnectionInfo) -> None:
    with suppress(sqlite3.Error):
        connection.interrupt()


def _translated(exc: Exception, info: ConnectionInfo, limits: Limits, ending: Ending | None) -> Exception:
    if ending is Ending.UNWANTED:
        return StatementCancelled("The statement was cancelled in the database: nobody waits for its rows.")
    if ending is Ending.DEADLINE or _is_timeout(exc):
        return TargetTimeout(f"The database did not answer within {limits.seconds:g} s: ask for less.")
    if not isinstance(exc, DRIVER_ERRORS):
        log.error("database %s sent what its driver can't read (%s)", info, type(exc).__name__)
        return TargetError("The database sent what can't be read. Is it the engine that was registered?")
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
    """Whether the connection is at fault. An error that the server did not number comes from the driver."""
    if isinstance(exc, pymysql.Error):
        number = exc.args[0] if exc.args else None
        return isinstance(exc, pymysql.InterfaceError) or not isinstance(number, int) or number in _MYSQL_LOST
    if isinstance(exc, psycopg.OperationalError | psycopg.InterfaceError):
        return True
    return isinstance(exc, psycopg.Error) and exc.sqlstate is None and not isinstance(exc, psycopg.DataError)


# Whether the role was told the plan.
_PLAN: dict[str, Callable[[Any, str], bool]] = {
    "postgres": _plan_postgres,
    "mysql": _plan_mysql,
    "sqlite": _plan_sqlite,
}
_RUN: dict[str, Callable[..., Result]] = {"postgres": _run_postgres, "mysql": _run_mysql, "sqlite": _run_sqlite}
_CANCEL: dict[str, Callable[..., None]] = {
    "postgres": _cancel_postgres,
    "mysql": _cancel_mysql,
    "sqlite": _cancel_sqlite,
}
