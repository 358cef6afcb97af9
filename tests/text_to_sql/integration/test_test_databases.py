"""The synthetic databases: deterministic, the same in each database, and ready to be asked."""

import datetime as dt
import hashlib
import io
import os
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.support.mariadb import MariaDB
from tests.support.postgres import Postgres
from tests.support.registered import Api
from text_to_sql.models import Database, Example
from text_to_sql.test_databases import NAMES, loading
from text_to_sql.test_databases.ddl import comments

pytestmark = pytest.mark.any_database

DAY = dt.date(2026, 11, 30)
# Faker's names change with its version: then these digests change too.
DIGESTS = {
    "ad": "ca91703489b319ac",
    "edu": "a359cdba276f16d1",
    "ecommerce": "5fe12455b8529157",
    "hr": "143e832732a929a6",
}


def digest(name: str, seed: int = 1) -> str:
    return hashlib.sha256(repr(loading.rows_of(name, seed, DAY)).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_rows(name: str) -> None:
    assert digest(name) == DIGESTS[name]
    assert digest(name, seed=2) != DIGESTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_each_table_and_column_has_a_korean_comment(name: str) -> None:
    found = comments(name)
    tables = loading.rows_of(name, 1, DAY)
    assert {table for table, _ in found} == set(tables)
    for table, rows in tables.items():
        assert sum(each == table for each, _ in found) == len(rows[0]) + 1


@pytest.mark.django_db
def test_they_are_registered_and_answer(api: Api, settings: Settings, tmp_path: Path) -> None:
    settings.SQLITE_FOLDER = tmp_path
    for _ in range(2):
        call_command("generate_test_databases", "--register", "--until", str(DAY), stdout=io.StringIO())
    shop = Database.objects.get(eng_name="test_ecommerce")
    assert Database.objects.count() == 4
    assert api.tables(shop.pk)["orders"]["columns"]["order_date"]["kor_name"] == "주문 일시"
    status, answer = api.execute(
        shop.pk, "SELECT COUNT(*) AS n FROM orders WHERE order_date >= date('2026-11-30', '-1 month')"
    )
    assert (status, answer["data"][0]["n"] > 100) == (200, True)


def test_they_load_into_mariadb(mariadb: MariaDB) -> None:
    made = list(loading.write_server(f"mysql://root@127.0.0.1:{mariadb.port}/", 1, DAY))
    assert made == [f"test_{name}" for name in NAMES]
    with mariadb.connect("test_ecommerce") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM orders")
        assert cursor.fetchall() == ((3000,),)
        cursor.execute(
            "SELECT o.id FROM orders o JOIN order_items i ON i.order_id = o.id "
            "GROUP BY o.id HAVING MAX(o.amount) <> SUM(i.quantity * i.unit_price)"
        )
        assert not cursor.fetchall()


def test_they_load_into_postgresql(postgres: Postgres) -> None:
    made = list(loading.write_server(postgres.url, 1, DAY))
    with psycopg.connect(postgres.url_of("test_hr")) as connection:
        [[text]] = connection.execute("SELECT obj_description('employees'::regclass)")
        assert text == "직원"
    drop(postgres, made)


def drop(postgres: Postgres, names: list[str]) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute("DROP ROLE IF EXISTS test_reader")


def generate(**options: object) -> str:
    out = io.StringIO()
    call_command("generate_test_databases", stdout=out, **options)
    return out.getvalue()


@pytest.mark.django_db
def test_those_of_a_server_are_registered_by_a_role_that_reads(
    api: Api, mariadb: MariaDB, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TEXT_TO_SQL_HOSTS = [f"127.0.0.1:{mariadb.port}"]
    for _ in range(2):
        generate(register=True, url=f"mysql://root@127.0.0.1:{mariadb.port}/")
    every_example_answers(api, caplog)
    shop = Database.objects.get(eng_name="test_ecommerce")
    assert shop.user == "test_reader"
    assert api.call("put", f"/ddp/db/{shop.pk}", {"connection_info": reconnect(shop)})[1]["warnings"] == []
    mariadb.execute("DROP USER test_reader@'%'")


@pytest.mark.django_db
def test_those_of_postgresql_too(
    api: Api, postgres: Postgres, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(postgres.url) as connection:
        settings.TEXT_TO_SQL_HOSTS = [str(connection.info.host)]
    generate(register=True, url=postgres.url)
    every_example_answers(api, caplog)
    shop = Database.objects.get(eng_name="test_ecommerce")
    assert api.call("put", f"/ddp/db/{shop.pk}", {"connection_info": reconnect(shop)})[1]["warnings"] == []
    drop(postgres, [f"test_{name}" for name in NAMES])


def reconnect(database: Database) -> dict[str, object]:
    info = database.info
    known = {"engine": info.engine, "host": info.host, "port": info.port, "db": info.db}
    return {**known, "user": info.user, "passwd": info.password}


def every_example_answers(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    assert Database.objects.count() == 4
    assert "is left out" not in caplog.text
    for database, sql in set(Example.objects.values_list("database_id", "sql")):
        status, answer = api.execute(database, sql)
        assert (status, bool(answer.get("data"))) == (200, True), (sql, answer)


@pytest.mark.django_db
def test_make_up_writes_them_only_when_they_are_missing_or_old(api: Api, settings: Settings, tmp_path: Path) -> None:
    settings.SQLITE_FOLDER = tmp_path
    assert "synthetic" in generate(register=True, if_empty=True)
    assert generate(register=True, if_empty=True) == ""
    old = (tmp_path / "test_hr.sqlite3").stat().st_mtime - 2 * 86400
    os.utime(tmp_path / "test_hr.sqlite3", (old, old))
    example = Example.objects.order_by("id")[0]
    example.delete()
    assert "registered" not in generate(register=True, if_empty=True)
    assert not Example.objects.filter(question=example.question).exists(), "what a person deleted stays deleted"
    Database.objects.exclude(eng_name="test_hr").delete()
    Database.objects.update(eng_name="mine", db="mine")
    assert generate(register=True, if_empty=True) == ""
