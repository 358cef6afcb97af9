"""The database: PostgreSQL, or SQLite that many processes write to."""

from typing import Any
from urllib.parse import quote

import dj_database_url

from backend import database_url, env
from backend.settings.machine import VAR_DIR

# With several writers, SQLite reports "database is locked" without WAL, IMMEDIATE and a timeout (measured).
# FULL: the journal deletes a record once its row is committed, so the row must survive a power failure.
# secure_delete: an erased row is overwritten.
_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON",
}
# Linux waits 15 minutes for a server whose machine or network vanished; these limits are shorter.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_POSTGRESQL_OPTIONS = {
    "connect_timeout": 3,  # seconds
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}
_FIX = "set it to postgresql://user:password@host:5432/name or sqlite:////folder/file.sqlite3"


def _read_database(url: str) -> dict[str, Any]:
    """Connection settings for `url`. Raises `BadSetting`."""
    scheme = url.partition(":")[0].lower()
    if scheme in {"postgres", "postgresql"}:
        return _postgresql(url)
    if scheme == "sqlite" and ":memory:" not in url and len(url) > len("sqlite:///"):
        return _sqlite(url)
    raise env.BadSetting(
        "DATABASE_URL",
        "can't be used" if scheme != "sqlite" else "can't be in memory, because processes share it",
        _FIX,
    )


def _postgresql(url: str) -> dict[str, Any]:
    from psycopg import IsolationLevel  # noqa: PLC0415 - SQLite needs no driver

    try:
        config = database_url.read(url)
    except ValueError as exc:
        raise env.BadSetting("DATABASE_URL", str(exc), _FIX) from None
    config |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    # Else a default of the user or database counts. A stricter one hides what a transaction waited for: an erased row
    # comes back with its repeat.
    isolation = {"isolation_level": IsolationLevel.READ_COMMITTED}
    config["OPTIONS"] = _POSTGRESQL_OPTIONS | config.get("OPTIONS", {}) | isolation
    # PgBouncer's transaction pooling loses such a cursor. Django's own forms and `dumpdata` would use one; the code
    # here walks long tables in chunks (`common.keyset.walk`).
    config["DISABLE_SERVER_SIDE_CURSORS"] = True
    return config


def _sqlite(url: str) -> dict[str, Any]:
    config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60))
    return config | {"NAME": env.ROOT / config["NAME"], "OPTIONS": dict(_SQLITE_OPTIONS)}


DATABASES = {"default": _read_database(env.text("DATABASE_URL", f"sqlite:///{quote(str(VAR_DIR))}/db.sqlite3"))}
