"""Checks of the database: whether it holds Unicode, which every process needs, is migrated, and takes writes."""

import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.core import checks
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from common.database_errors import READ_ONLY, UNICODE, UNMIGRATED, encoding

_FIX = (
    "create one with `createdb --encoding UTF8 --template template0 NAME` (add `--locale C.UTF-8` if the server's own "
    "locale does not fit), move the data there, and set DATABASE_URL to it"
)


def refuse_unusable() -> None:
    """Ends this process, with one line, if the database can't hold Unicode: no record could be trusted to it.

    A database that is down ends nothing: predictions do not need it.
    """
    fault = _encoding_fault()
    connection.close()  # a child process must not inherit it
    if fault:
        sys.exit(f"ml-proxy: DATABASE_URL {fault}: {_FIX}")


def check_encoding(databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """The same as a system check, for `migrate` and `check --database default`."""
    fault = _encoding_fault() if databases else None
    return [checks.Error(f"DATABASE_URL {fault}.", hint=f"{_FIX}.", id="ml_proxy.E001")] if fault else []


def problem() -> str | None:
    """What an answering database lacks, as the end of a sentence. Raises Django's database errors."""
    connection.ensure_connection()
    if encoding() != UNICODE:
        return f"has the encoding {encoding()}, not {UNICODE}"
    if not _migrations() <= set(MigrationRecorder.Migration.objects.values_list("app", "name")):
        return UNMIGRATED
    return READ_ONLY if _is_read_only() else None


def unsafe_settings() -> list[str]:
    """The settings of PostgreSQL that let a crash of its machine lose rows that it confirmed to this user."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM pg_settings"
            " WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off' ORDER BY name"
        )
        return [name for (name,) in cursor.fetchall()]


def _encoding_fault() -> str | None:
    if connection.vendor != "postgresql":  # SQLite would create the file
        return None
    try:
        connection.ensure_connection()
    except Error:
        return None
    found = encoding()
    return f"names a database with the encoding {found}, which can't hold every text" if found != UNICODE else None


@lru_cache(maxsize=1)
def _migrations() -> frozenset[tuple[str, str]]:
    """App and name of each migration in the code."""
    return frozenset((app, name) for app, name in MigrationLoader(None, ignore_no_migrations=True).graph.nodes)


def _is_read_only() -> bool:
    """Also true for a hot standby. SQLite can't be asked without a write."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        return bool(cursor.fetchone() == ("on",))
