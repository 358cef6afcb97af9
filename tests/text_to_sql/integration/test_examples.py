"""The examples of the test databases: at least fifteen each, in two languages, which run in three databases."""

import datetime as dt
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.support.mariadb import MariaDB
from tests.support.postgres import Postgres
from text_to_sql.guard import Catalogue, Table, check
from text_to_sql.test_databases import NAMES, loading
from text_to_sql.test_databases.ddl import comments
from text_to_sql.test_databases.examples import examples, sql_of

DAY = dt.date(2026, 11, 30)
_HANGUL = re.compile("[가-힣]")
STATEMENTS = [(name, each.sql) for name in NAMES for each in examples(name)]


def guarded(name: str, sql: str, dialect: str, schema: str) -> str:
    """What the service would run."""
    found = comments(name)
    names = {table for table, _ in found}
    tables = tuple(Table(each, tuple(column for table, column in found if table == each and column)) for each in names)
    return check(sql_of(sql, dialect), Catalogue(dialect, schema, tables), 1000).sql


@pytest.mark.parametrize("name", NAMES)
def test_there_are_enough_in_korean_and_in_english(name: str) -> None:
    known = examples(name)
    questions = [question for each in known for question in (each.ko, each.en)]
    assert len(known) >= 15
    assert len(set(questions)) == len(questions)
    for each in known:
        assert len(_HANGUL.findall(each.ko)) > len(_HANGUL.findall(each.en))


def test_they_run_in_sqlite(tmp_path: Path) -> None:
    list(loading.write_sqlite(tmp_path, 1, DAY))
    for name, sql in STATEMENTS:
        with closing(sqlite3.connect(tmp_path / f"test_{name}.sqlite3")) as connection:
            assert connection.execute(guarded(name, sql, "sqlite", "main")).fetchall(), sql


def test_they_run_in_mariadb(mariadb: MariaDB) -> None:
    list(loading.write_server(f"mysql://root@127.0.0.1:{mariadb.port}/", 1, DAY))
    for name, sql in STATEMENTS:
        with mariadb.connect(f"test_{name}") as connection, connection.cursor() as cursor:
            cursor.execute(guarded(name, sql, "mysql", f"test_{name}"))
            assert cursor.fetchall(), sql


def test_they_run_in_postgresql(postgres: Postgres) -> None:
    made = list(loading.write_server(postgres.url, 1, DAY))
    for name, sql in STATEMENTS:
        with psycopg.connect(postgres.url_of(f"test_{name}")) as connection:
            assert connection.execute(guarded(name, sql, "postgres", "public").encode()).fetchall(), sql
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name}".encode())
