"""Tells why a statement failed: the values of a row, the state of the database, or the statement itself.

SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
SQLite's result codes: https://www.sqlite.org/rescode.html
"""

import sqlite3

import psycopg
from django.db import DataError, Error, IntegrityError, InterfaceError, OperationalError, connection

UNICODE = "UTF8"  # the only encoding of PostgreSQL that holds every text

READ_ONLY, UNMIGRATED = "is read-only", "lacks a table or a column: run `manage.py migrate`"
_FULL, _BUSY = "has no space left", "is busy"
_FORBIDDEN, _DAMAGED, _DOWN = "refuses this user", "is damaged", "does not answer"

# By SQLSTATE, or by its first two characters: its class.
_POSTGRESQL = {
    "08": _DOWN,
    "25006": READ_ONLY,
    "28": _FORBIDDEN,
    "3D": "does not exist",
    "3F": UNMIGRATED,
    "40": _BUSY,
    "42501": _FORBIDDEN,
    "42P01": UNMIGRATED,
    "42703": UNMIGRATED,
    "53": "lacks a resource",
    "53100": _FULL,
    "55": _BUSY,
    "57": _DOWN,
    "57014": _BUSY,  # a statement timeout
    "58": "can't use its disk",
    "XX": _DAMAGED,
}
_SQLITE = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_READONLY: READ_ONLY,
}
_PRIMARY = 0xFF  # the bits of the primary code in SQLite's extended result codes


def is_row_fault(exc: BaseException) -> bool:
    """Whether the row's own values are the cause, so that a healthy database refuses the row too."""
    if not isinstance(exc, (DataError, IntegrityError)) or encoding() != UNICODE:
        return False
    return not _lacks_partition(exc.__cause__)


def trouble(exc: BaseException) -> str | None:
    """What is wrong with the database, as the end of a sentence; None if the row or the statement is at fault."""
    if not isinstance(exc, Error) or is_row_fault(exc):
        return None
    if encoding() != UNICODE:
        return f"has the encoding {encoding()}, not {UNICODE}"
    cause = exc.__cause__
    found = _sqlite(cause) if isinstance(cause, sqlite3.Error) else _postgresql(cause)
    return found or (_DOWN if isinstance(exc, (OperationalError, InterfaceError)) else None)


def encoding() -> str:
    """The encoding of the connected database. Executes no statement; without a connection it is `UNICODE`."""
    driver = connection.connection
    if connection.vendor != "postgresql" or driver is None or driver.closed:
        return UNICODE
    return str(driver.info.parameter_status("server_encoding"))


def _postgresql(cause: BaseException | None) -> str | None:
    code = (isinstance(cause, psycopg.Error) and cause.sqlstate) or ""
    return _POSTGRESQL.get(code) or _POSTGRESQL.get(code[:2])


def _sqlite(cause: sqlite3.Error) -> str | None:
    if str(cause).startswith("no such "):  # the code is that of a syntax error
        return UNMIGRATED
    return _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & _PRIMARY)


def _lacks_partition(cause: BaseException | None) -> bool:
    """A row that fits no partition of its table violates a constraint without a name."""
    return isinstance(cause, psycopg.errors.CheckViolation) and cause.diag.constraint_name is None
