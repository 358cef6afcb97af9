"""Generated attacks, with the guard alone: what it lets pass runs on a real database, by a powerful role.

`HOSTILE_STATEMENTS` sets how many are generated for each database.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from tests.support import hostile_sql
from tests.support.mariadb import MariaDB
from tests.support.postgres import Postgres
from text_to_sql.guard import Catalogue, QueryRefused, Table, check

COUNT = int(os.environ.get("HOSTILE_STATEMENTS", "4000"))
SEED = int(os.environ.get("HOSTILE_SEED", "1"))
VISIBLE = (
    Table("people", ("id", "name")),
    Table("visits", ("id", "person_id", "clinic", "fee", "memo"), rule="clinic = 'north'"),
)
Run = Callable[[str], list[Any]]


@pytest.fixture
def sqlite_run(tmp_path: Path) -> Iterator[Run]:
    connection = sqlite3.connect(tmp_path / "clinic.sqlite3", isolation_level=None)
    for statement in hostile_sql.SCHEMA:
        connection.execute(statement)
    yield lambda sql: connection.execute(sql).fetchall()
    connection.close()


@pytest.fixture
def postgres_run(postgres: Postgres) -> Iterator[Run]:
    with psycopg.connect(postgres.make_database("hostile"), autocommit=True) as connection:
        for statement in hostile_sql.SCHEMA:
            connection.execute(statement.encode())
        connection.execute("SET statement_timeout = '5s'")
        yield lambda sql: connection.execute(sql.encode()).fetchall()
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE hostile")


@pytest.fixture
def mariadb_run(mariadb: MariaDB) -> Iterator[Run]:
    mariadb.execute("CREATE DATABASE clinic CHARACTER SET utf8mb4")
    mariadb.execute(*hostile_sql.SCHEMA, database="clinic")
    connection = mariadb.connect("clinic")

    def run(sql: str) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    yield run
    connection.close()
    mariadb.execute("DROP DATABASE clinic")


ERRORS = (sqlite3.Error, psycopg.Error, pymysql.Error)


def attack(run: Run, dialect: str, schema: str) -> tuple[int, int]:
    """Runs all statements that pass. Returns how many passed, and how many of these returned rows."""
    before = contents(run)
    catalogue = Catalogue(dialect, schema, VISIBLE)
    passed = answered = 0
    for statement in hostile_sql.statements(dialect, COUNT, SEED):
        sql = checked(statement, catalogue)
        if sql is None:
            continue
        passed += 1
        try:
            rows = run(sql)
        except ERRORS:
            continue
        answered += bool(rows)
        own = [value for row in rows for value in row if "SECRET" in str(value) and str(value) != "SECRETX"]
        assert not own, (statement, sql)
        assert not any("south" in str(row) or "4711" in str(row) for row in rows), (statement, sql)
    assert contents(run) == before
    return passed, answered


def checked(statement: str, catalogue: Catalogue) -> str | None:
    """The SQL of a statement that passes. None is slow: the parser must not be led into exponential time."""
    started = time.thread_time()
    try:
        return check(statement, catalogue, 100).sql
    except QueryRefused:
        return None
    finally:
        assert time.thread_time() - started < 1, statement


def contents(run: Run) -> list[list[Any]]:
    return [run(f"SELECT * FROM {table} ORDER BY id") for table in hostile_sql.TABLES]


def test_no_statement_gets_through_on_sqlite(sqlite_run: Run) -> None:
    passed, answered = attack(sqlite_run, "sqlite", "main")
    assert passed > answered > COUNT / 200


def test_no_statement_gets_through_on_postgresql(postgres_run: Run) -> None:
    passed, answered = attack(postgres_run, "postgres", "public")
    assert passed > answered > COUNT / 200


def test_no_statement_gets_through_on_mariadb(mariadb_run: Run) -> None:
    passed, answered = attack(mariadb_run, "mysql", "clinic")
    assert passed > answered > COUNT / 200
