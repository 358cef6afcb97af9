"""Opens connections that read only, each with deadlines of its own.

PostgreSQL: every transaction of the session reads only, and time-outs hold for statements, locks and idle transactions.
MySQL and MariaDB: the same, as far as the server has it. SQLite: the file is opened for reading,
without ATTACH.
"""

import json
import os
import socket
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

import psycopg
import pymysql
from psycopg.types.json import set_json_loads

from common.exceptions import BadInput, FieldError
from text_to_sql.connections import hosts, silence
from text_to_sql.connections.info import ConnectionInfo
from text_to_sql.exceptions import TargetError, TargetTimeout

CONNECT_SECONDS = 5
LOCK_SECONDS = 2
DRIVER_ERRORS = (psycopg.Error, pymysql.Error, sqlite3.Error)
_GRACE_SECONDS = 5  # the driver gives up that long after the database should have
_SQLITE_PRAGMAS = ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0")
_MAX_SQLITE_VALUE = 10_000_000  # bytes
_SQL_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"  # so that literals mean what the guard means
)


def connect(info: ConnectionInfo, seconds: float) -> Any:
    """A DBAPI connection whose statements may take `seconds`. Raises `BadInput` or `TargetError`."""
    try:
        hosts.check(info)
    except ValueError as exc:
        raise invalid(str(exc)) from None
    with silence.turn(info):
        return _connected(info, seconds)


def descriptor(connection: Any, info: ConnectionInfo) -> int | None:
    """The descriptor of a connection's socket; None for SQLite."""
    if info.engine == "postgres":
        return int(connection.fileno())
    sock = connection._sock if info.engine == "mysql" else None  # noqa: SLF001 - the driver has no name for it
    return None if sock is None else int(sock.fileno())


def _connected(info: ConnectionInfo, seconds: float) -> Any:
    try:
        return _CONNECT[info.engine](info, seconds)
    except (psycopg.errors.ConnectionTimeout, TimeoutError):
        raise TargetTimeout(f"The database {info.db!r} did not answer within {CONNECT_SECONDS} s.") from None
    except (*DRIVER_ERRORS, OSError) as exc:
        raise TargetError(f"The database {info.db!r} can't be reached: {said(exc, info)}") from None
    except Exception as exc:  # noqa: BLE001 - drivers raise anything for bytes that are no protocol
        raise TargetError(
            f"The database {info.db!r} sent what can't be read ({type(exc).__name__}). Is it a server of this engine?"
        ) from None


def invalid(text: str) -> BadInput:
    """The error for a connection that can't be used."""
    return BadInput("The database can't be used.", field_errors=[FieldError("/connection_info", text)])


def said(exc: Exception, info: ConnectionInfo) -> str:
    """The database's words on one line, without the password."""
    text = str(exc.args[1]) if isinstance(exc, pymysql.Error) and len(exc.args) > 1 else str(exc)
    return info.without_password(" ".join(text.split()))[:400]


def _postgres(info: ConnectionInfo, seconds: float) -> psycopg.Connection[Any]:
    milliseconds = max(int(seconds * 1000), 1)
    options = (
        "-c default_transaction_read_only=on -c search_path=pg_catalog -c standard_conforming_strings=on "
        f"-c statement_timeout={milliseconds} -c lock_timeout={LOCK_SECONDS * 1000} "
        f"-c idle_in_transaction_session_timeout={milliseconds + 60_000}"
    )
    connection = psycopg.connect(
        host=info.host, port=info.port, dbname=info.db, user=info.user, password=info.password, options=options,
        connect_timeout=CONNECT_SECONDS, client_encoding="utf8", application_name="ml-proxy",
        keepalives_idle=10, tcp_user_timeout=int(milliseconds + _GRACE_SECONDS * 1000),
    )  # fmt: skip
    set_json_loads(partial(json.loads, parse_float=Decimal), connection)  # numbers keep all digits
    return connection


def _mysql(info: ConnectionInfo, seconds: float) -> "pymysql.Connection[Any]":
    connection = _MySQL(
        host=info.host, port=info.port, database=info.db, user=info.user, password=info.password, charset="utf8mb4",
        connect_timeout=CONNECT_SECONDS, read_timeout=seconds + _GRACE_SECONDS, write_timeout=CONNECT_SECONDS,
        local_infile=False, autocommit=True, defer_connect=True,
    )  # fmt: skip
    with _opened(info) as sock:
        connection.connect(sock)
        with connection.cursor() as cursor:
            _restrict(cursor, seconds)
    return connection


class _MySQL(pymysql.Connection):
    """Encrypts if the server can, without a look at its certificate, as the driver does by default.

    The driver would load all certificates of the system each time, which takes 30 ms.
    """

    def _create_ssl_ctx(self, sslp: object) -> ssl.SSLContext:
        return _encryption()


@lru_cache(maxsize=1)
def _encryption() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _restrict(cursor: Any, seconds: float) -> None:
    cursor.execute("SET SESSION TRANSACTION READ ONLY")
    cursor.execute("SET SESSION sql_mode = %s, lock_wait_timeout = %s", (_SQL_MODE, LOCK_SECONDS))
    for statement, value in (
        ("SET SESSION max_statement_time = %s", seconds),  # MariaDB, in seconds
        ("SET SESSION max_execution_time = %s", int(seconds * 1000)),  # MySQL, in milliseconds
    ):
        with suppress(pymysql.err.OperationalError, pymysql.err.InternalError):  # each server knows one of them
            cursor.execute(statement, (value,))


@contextmanager
def _opened(info: ConnectionInfo) -> Iterator[socket.socket]:
    """A socket that is shut down if the block takes longer than CONNECT_SECONDS. Raises `TimeoutError` then.

    The driver's own time-outs begin again with each byte that arrives.
    """
    sock = socket.create_connection((info.host, info.port), CONNECT_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    late, copy = threading.Event(), socket.socket(fileno=os.dup(sock.fileno()))  # encryption takes the first one over

    def cut() -> None:
        late.set()
        with suppress(OSError):
            copy.shutdown(socket.SHUT_RDWR)

    alarm = threading.Timer(CONNECT_SECONDS, cut)
    alarm.daemon = True
    alarm.start()
    try:
        yield sock
    except Exception:
        sock.close()
        if not late.is_set():
            raise
    finally:
        alarm.cancel()
        copy.close()
    if late.is_set():
        raise TimeoutError


def _sqlite(info: ConnectionInfo, seconds: float) -> sqlite3.Connection:
    path = hosts.sqlite_file(info)
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=ro", uri=True, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
    )
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_SQLITE_VALUE)
    return connection


_CONNECT = {"postgres": _postgres, "mysql": _mysql, "sqlite": _sqlite}
