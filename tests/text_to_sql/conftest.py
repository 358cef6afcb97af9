"""Fixtures of text_to_sql."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.test import Client
from pytest_django import Settings

from recording.journal import Spool
from recording.records import decrypted, source_of
from tests.support import hostile_sql
from tests.support.llm_server import KEY, LLMServer
from tests.support.mariadb import MariaDB
from tests.support.postgres import Postgres
from tests.support.registered import Api
from text_to_sql.records import LLMRecord


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A MariaDB server for this test run; the tests that need it are skipped if it is not installed."""
    server = MariaDB(tmp_path_factory.mktemp("mariadb") / "data")
    yield server
    server.close()


@dataclass(frozen=True)
class Target:
    """A real database with the tables of `hostile_sql`. `reader` may read what the guard shows, `owner` may do all."""

    engine: str
    reader: dict[str, Any]
    owner: dict[str, Any]
    run: Callable[[str], list[Any]]

    @property
    def schema(self) -> str:
        return {"postgres": "public", "sqlite": "main"}.get(self.engine, "clinic")


@pytest.fixture
def sqlite_target(tmp_path: Path, settings: Settings) -> Iterator[Target]:
    settings.SQLITE_FOLDER = tmp_path / "databases"
    settings.SQLITE_FOLDER.mkdir()
    connection = sqlite3.connect(settings.SQLITE_FOLDER / "clinic.sqlite3", isolation_level=None)
    for statement in hostile_sql.SCHEMA:
        connection.execute(statement)
    info = {"engine": "sqlite", "db": "clinic.sqlite3"}
    yield Target("sqlite", info, info, lambda sql: connection.execute(sql).fetchall())
    connection.close()


@pytest.fixture
def postgres_target(postgres: Postgres, settings: Settings) -> Iterator[Target]:
    url = postgres.make_database("clinic")
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (*hostile_sql.SCHEMA, *hostile_sql.POSTGRES_READER):
            connection.execute(statement.encode())
        host = str(connection.info.host)
        settings.TEXT_TO_SQL_HOSTS = [host]
        info = {"engine": "postgres", "host": host, "db": "clinic"}
        owner = {**info, "user": connection.info.user, "passwd": ""}
        yield Target(
            "postgres", {**info, "user": "reader", "passwd": "reader-secret"}, owner,
            lambda sql: _rows(connection.execute(sql.encode())),
        )  # fmt: skip
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE clinic WITH (FORCE)")
        connection.execute("DROP ROLE reader")


def _rows(cursor: "psycopg.Cursor[Any]") -> list[Any]:
    return cursor.fetchall() if cursor.description else []


@pytest.fixture
def mariadb_target(mariadb: MariaDB, settings: Settings) -> Iterator[Target]:
    mariadb.execute("CREATE DATABASE clinic CHARACTER SET utf8mb4")
    mariadb.execute(*hostile_sql.SCHEMA, *hostile_sql.MARIADB_READER, database="clinic")
    settings.TEXT_TO_SQL_HOSTS = [f"127.0.0.1:{mariadb.port}"]
    connection = mariadb.connect("clinic")

    def run(sql: str) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    info = {"host": "127.0.0.1", "port": mariadb.port, "db": "clinic"}
    reader, owner = {**info, "user": "reader", "passwd": "reader-secret"}, {**info, "user": "root", "passwd": ""}
    yield Target("mysql", reader, owner, run)
    connection.close()
    mariadb.execute("DROP DATABASE clinic", "DROP USER reader@'127.0.0.1'")


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def target(request: pytest.FixtureRequest) -> Target:
    """Each of the three databases."""
    found: Target = request.getfixturevalue(f"{request.param}_target")
    return found


@pytest.fixture
def api(gateway: Client, db: None) -> Api:
    """The gateway, to be called with JSON."""
    return Api(gateway)


@pytest.fixture
def llm(settings: Settings) -> Iterator[LLMServer]:
    """A scripted language model that the gateway asks."""
    from text_to_sql.llm import calls  # noqa: PLC0415 - models load once Django is set up

    server = LLMServer()
    settings.LLM_BASE_URL, settings.LLM_API_KEY, settings.LLM_MODEL = f"{server.url}/v1", KEY, "asked-1"
    settings.LLM_SECONDS, settings.LLM_RETRIES = 30, 2
    yield server
    server.close()
    calls.forget_servers()


@pytest.fixture
def llm_records(gateway: Client, tmp_path: Path) -> Callable[[], list[LLMRecord]]:
    """Reads all records of model calls in the journal."""

    def read() -> list[LLMRecord]:
        spool = Spool(tmp_path / "journal")
        payloads = [decrypted(entry.payload) for name in spool.segments() for entry in spool.entries(name)]
        return [LLMRecord.decode(raw) for raw in payloads if source_of(raw)[0] == LLMRecord.SOURCE]

    return read
