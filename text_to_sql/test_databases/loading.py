"""Creates and fills the test databases, in SQLite files or on a server."""

import datetime as dt
import importlib
import os
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url
from sqlalchemy.engine import URL, Connection

from text_to_sql.test_databases import NAMES
from text_to_sql.test_databases.ddl import statements
from text_to_sql.test_databases.source import Rows, source

_DIALECTS = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "postgresql": "postgresql+psycopg"}


def rows_of(name: str, seed: int, today: dt.date) -> Rows:
    """All rows of one test database."""
    generator = importlib.import_module(f"text_to_sql.test_databases.{name}.generate_data")
    rows: Rows = generator.rows(source(seed, today))
    return rows


def write_sqlite(folder: Path, seed: int, today: dt.date) -> Iterator[Path]:
    """Writes a file for each database; an existing one is replaced once the new one is complete."""
    for name in NAMES:
        draft, path = folder / f".test_{name}.{os.getpid()}", folder / f"test_{name}.sqlite3"
        draft.unlink(missing_ok=True)
        with sqlite3.connect(draft) as connection:
            for statement in statements(name, "sqlite"):
                connection.execute(statement)
            for table, rows in rows_of(name, seed, today).items():
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", map(_for_sqlite, rows))  # noqa: S608 - our own names
        connection.close()
        draft.replace(path)
        yield path


def write_server(url: str, seed: int, today: dt.date) -> Iterator[str]:
    """Creates `test_ad` and the others on a MySQL, MariaDB or PostgreSQL server. Existing ones are dropped first."""
    server = server_url(url)
    for name in NAMES:
        _create(server, f"test_{name}")
        engine = create_engine(server.set(database=f"test_{name}"))
        with engine.begin() as connection:
            _fill(connection, name, rows_of(name, seed, today))
        engine.dispose()
        yield f"test_{name}"


def server_url(url: str) -> URL:
    """The URL with the driver that is installed."""
    parsed = make_url(url)
    return parsed.set(drivername=_DIALECTS[parsed.drivername.split("+")[0]])


def _create(server: URL, name: str) -> None:
    is_mysql = server.drivername.startswith("mysql")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}" + (" CHARACTER SET utf8mb4" if is_mysql else ""))
    engine.dispose()


def _fill(connection: Connection, name: str, tables: Rows) -> None:
    for statement in statements(name, "mysql" if connection.dialect.name == "mysql" else "postgres"):
        connection.exec_driver_sql(statement)
    for table, rows in tables.items():
        marks = ", ".join(["%s"] * len(rows[0]))
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - our own names


def _for_sqlite(row: tuple[object, ...]) -> tuple[Any, ...]:
    """SQLite has no types for times and decimals."""
    return tuple(_plain(value) for value in row)


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, dt.date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
