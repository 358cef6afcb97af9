"""The database of a campaign, read directly, with its fault operations."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psutil
import psycopg

from tests.support.postgres import Postgres

_QUERY = "SELECT CAST(id AS TEXT), request_id, output_data, latency_ms FROM ml_proxy_inferencelog"
_COUNT = "SELECT count(*) FROM ml_proxy_inferencelog"


class Row(NamedTuple):
    """A row's id (32 hex digits), its request id, the answer's text, and the model's time in milliseconds."""

    id: str
    request_id: str
    output: str
    latency_ms: float


class Database(Protocol):
    """The interface that a campaign uses."""

    url: str

    def rows(self) -> Iterator[Row]:
        """Yields all rows of the log."""

    def count(self) -> int:
        """Returns the number of rows."""

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Returns the rows of a statement."""

    def close(self) -> None:
        """Stops the database server, if any."""


class PostgresDatabase:
    """A PostgreSQL server for this campaign only."""

    def __init__(self, folder: Path) -> None:
        self.server = Postgres(folder / "postgres")
        try:
            self.url = self.server.make_database("chaos")
        except BaseException:
            self.server.close()
            raise

    def rows(self) -> Iterator[Row]:
        """Yields all rows of the log."""
        with psycopg.connect(self.url) as connection:
            yield from map(_row, connection.execute(_QUERY))

    def count(self) -> int:
        """Returns the number of rows."""
        return int(self.query(_COUNT)[0][0])

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Returns the rows of a statement."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement).fetchall()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """New transactions are read-only during the block."""
        self._set_read_only("on")
        try:
            yield
        finally:
            self._set_read_only("off")

    def _set_read_only(self, value: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            connection.execute("SELECT pg_reload_conf()")

    def processes(self) -> list[psutil.Process]:
        """Returns the server's processes, the postmaster first."""
        return self.server.processes()

    def close(self) -> None:
        """Stops the server."""
        self.server.close()


class SqliteDatabase:
    """A file in the state folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "db.sqlite3"
        self.url = f"sqlite:///{self._path}"

    def rows(self) -> Iterator[Row]:
        """Yields all rows of the log."""
        with closing(sqlite3.connect(self._path)) as connection:
            yield from map(_row, connection.execute(_QUERY))

    def count(self) -> int:
        """Returns the number of rows."""
        return int(self.query(_COUNT)[0][0])

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Returns the rows of a statement."""
        with closing(sqlite3.connect(self._path)) as connection:
            return connection.execute(statement).fetchall()

    def lock(self, hold: Callable[[], object]) -> None:
        """Holds the write lock while `hold` runs."""
        with closing(sqlite3.connect(self._path, timeout=20, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            hold()
            connection.execute("ROLLBACK")

    def close(self) -> None:
        """Does nothing: there is no server."""


def open_database(kind: str, folder: Path) -> Database:
    """Opens a database of a kind, `sqlite` or `postgres`, with its files in `folder`."""
    return PostgresDatabase(folder) if kind == "postgres" else SqliteDatabase(folder)


def _row(values: tuple[object, ...]) -> Row:
    name, request_id, output, latency = values
    return Row(str(name).replace("-", ""), str(request_id), str(output), float(str(latency)))
