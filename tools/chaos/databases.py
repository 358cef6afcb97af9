"""The database of a campaign, read past the gateway, with what can be done to it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Protocol

import psutil
import psycopg

from tests.support.postgres import Postgres

_QUESTION = "SELECT CAST(id AS TEXT), request_id, output_data, latency_ms FROM ml_proxy_inferencelog"


class Row(NamedTuple):
    """A row's id as 32 hex digits, the request that it came from, the answer's text, the model's milliseconds."""

    id: str
    request_id: str
    output: str
    latency_ms: float


class Database(Protocol):
    """What a campaign needs of either."""

    url: str

    def rows(self) -> Iterator[Row]:
        """All rows of the log."""

    def count(self) -> int:
        """How many there are."""

    def close(self) -> None:
        """Stops what was started for it."""


class PostgresDatabase:
    """A server of the campaign's own."""

    def __init__(self, folder: Path) -> None:
        self.server = Postgres(folder / "postgres")
        self.url = self.server.make_database("chaos")

    def rows(self) -> Iterator[Row]:
        """All rows of the log."""
        with psycopg.connect(self.url) as connection:
            yield from map(_row, connection.execute(_QUESTION))

    def count(self) -> int:
        """How many there are."""
        with psycopg.connect(self.url) as connection:
            [number] = connection.execute("SELECT count(*) FROM ml_proxy_inferencelog").fetchone() or [0]
            return int(number)

    def processes(self) -> list[psutil.Process]:
        """The postmaster first."""
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
        """All rows of the log."""
        with closing(sqlite3.connect(self._path)) as connection:
            yield from map(_row, connection.execute(_QUESTION))

    def count(self) -> int:
        """How many there are."""
        with closing(sqlite3.connect(self._path)) as connection:
            return int(connection.execute("SELECT count(*) FROM ml_proxy_inferencelog").fetchone()[0])

    def lock(self, hold: Callable[[], object]) -> None:
        """Keeps every other writer out while `hold` runs."""
        with closing(sqlite3.connect(self._path, timeout=20, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            hold()
            connection.execute("ROLLBACK")

    def close(self) -> None:
        """Nothing was started."""


def open_database(kind: str, folder: Path) -> Database:
    """A database of a kind, `sqlite` or `postgres`, with its files in `folder`."""
    return PostgresDatabase(folder) if kind == "postgres" else SqliteDatabase(folder)


def _row(values: tuple[object, ...]) -> Row:
    name, request_id, output, latency = values
    return Row(str(name).replace("-", ""), str(request_id), str(output), float(str(latency)))
