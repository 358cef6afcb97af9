"""Turns `DATABASE_URL` into Django's connection settings: PostgreSQL, or SQLite that many processes write to."""

from typing import Any
from urllib.parse import urlsplit

import dj_database_url

from backend.env import ROOT, BadSetting

# Measured: with several writers anything less than WAL, IMMEDIATE and a timeout ends in "database is locked".
# FULL, because the journal forgets a record once its row is committed: the row must outlive a power cut.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
}
# Against a server whose machine or network is gone without a word: Linux waits for a quarter of an hour else.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
POSTGRESQL_OPTIONS = {
    "connect_timeout": 3,  # seconds
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}
MEND = "set it to postgresql://user:password@host:5432/name or sqlite:////folder/file.sqlite3"


def database(url: str) -> dict[str, Any]:
    """Connection settings for `url`. Raises `BadSetting`."""
    scheme = urlsplit(url).scheme
    if scheme in {"postgres", "postgresql"}:
        return _postgresql(url)
    if scheme == "sqlite" and ":memory:" not in url and len(url) > len("sqlite:///"):
        return _sqlite(url)
    raise BadSetting(
        "DATABASE_URL",
        "can't be used" if scheme != "sqlite" else "can't be in memory, processes share it",
        MEND,
    )


def _postgresql(url: str) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    except ValueError:
        raise BadSetting("DATABASE_URL", "can't be read", MEND) from None
    config["OPTIONS"] = POSTGRESQL_OPTIONS | config.get("OPTIONS", {})
    return config


def _sqlite(url: str) -> dict[str, Any]:
    config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60))
    return config | {"NAME": ROOT / config["NAME"], "OPTIONS": dict(SQLITE_OPTIONS)}
