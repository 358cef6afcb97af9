"""Real databases to attack, with a role that may read what the guard shows. All of their data are synthetic."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymysql

from common.conf import settings
from tests.support import hostile_sql
from tests.support.mariadb import MariaDB
from tests.support.postgres import Postgres
from tools.attack_sql.attack import LIMITS, Target

_SECRETS = ("SECRET salary", "4711", "SECRET note")
_TENANT = ("SECRET tenant", "south")


@dataclass(frozen=True)
class Place:
    """Where a prepared database is: a folder, a URL, or a port of this machine."""

    engine: str
    at: str


@contextmanager
def sqlite_place(folder: Path) -> Iterator[Place]:
    """A file. It has no roles, so its wall hides tables and columns, but no rows."""
    with sqlite3.connect(folder / "clinic.sqlite3") as connection:
        for statement in hostile_sql.SCHEMA:
            connection.execute(statement)
    connection.close()
    yield Place("sqlite", str(folder))


@contextmanager
def postgres_place(server: Postgres) -> Iterator[Place]:
    """A database with rights for columns, and row security for tenants."""
    url = server.make_database("attacked")
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (*hostile_sql.SCHEMA, *hostile_sql.POSTGRES_READER):
            connection.execute(statement.encode())
    yield Place("postgres", url)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE attacked WITH (FORCE)")
        connection.execute("DROP ROLE reader")


@contextmanager
def mariadb_place(server: MariaDB) -> Iterator[Place]:
    """A database whose reader sees views of another one: MariaDB has rights for columns, but none for rows."""
    server.execute("CREATE DATABASE clinic CHARACTER SET utf8mb4", "CREATE DATABASE reading CHARACTER SET utf8mb4")
    server.execute(*hostile_sql.SCHEMA, *hostile_sql.MARIADB_VIEWS, database="clinic")
    yield Place("mysql", str(server.port))
    server.execute("DROP DATABASE reading", "DROP DATABASE clinic", "DROP USER reader@'127.0.0.1'")


@contextmanager
def opened(place: Place) -> Iterator[Target]:
    """The database, with a connection of its owner, and allowed by the settings."""
    with _OPENED[place.engine](place.at) as target:
        yield target


@contextmanager
def _sqlite(folder: str) -> Iterator[Target]:
    settings.SQLITE_FOLDER = Path(folder)
    connection = sqlite3.connect(Path(folder) / "clinic.sqlite3", isolation_level=None)
    info = {"engine": "sqlite", "db": "clinic.sqlite3"}

    def run(sql: str) -> list[Any]:
        ends_at = time.monotonic() + LIMITS.seconds
        connection.set_progress_handler(lambda: time.monotonic() > ends_at, 10_000)
        return connection.execute(sql).fetchall()

    yield Target("sqlite", "main", info, run, _SECRETS)
    connection.close()


@contextmanager
def _postgres(url: str) -> Iterator[Target]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET statement_timeout = '{LIMITS.seconds}s'".encode())
        host = str(connection.info.host)
        settings.TEXT_TO_SQL_HOSTS = [host]
        info = {"engine": "postgres", "host": host, "db": "attacked", **hostile_sql.READER}

        def run(sql: str) -> list[Any]:
            return connection.execute(sql.encode()).fetchall()

        yield Target("postgres", "public", info, run, (*_SECRETS, *_TENANT))


@contextmanager
def _mariadb(port: str) -> Iterator[Target]:
    settings.TEXT_TO_SQL_HOSTS = [f"127.0.0.1:{port}"]
    connection = pymysql.connect(host="127.0.0.1", port=int(port), user="root", database="clinic", autocommit=True)

    def run(sql: str) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    run(f"SET SESSION max_statement_time = {LIMITS.seconds}")
    info = {"host": "127.0.0.1", "port": int(port), "db": "reading", **hostile_sql.READER}
    yield Target("mysql", "clinic", info, run, (*_SECRETS, *_TENANT))
    connection.close()


_OPENED = {"sqlite": _sqlite, "postgres": _postgres, "mysql": _mariadb}
