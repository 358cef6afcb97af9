"""`/ddp/db`: registering databases, and what is stored of them."""

import json
from typing import Any

import pytest
from pytest_django import Settings

from tests.support.mariadb import MariaDB
from tests.support.network import free_port
from tests.support.registered import Api
from tests.text_to_sql.conftest import Target
from text_to_sql import credentials
from text_to_sql.exceptions import CredentialsUnavailable
from text_to_sql.models import Database

pytestmark = pytest.mark.django_db


def body(info: object, **members: Any) -> dict[str, Any]:
    return {"kor_name": "의원", "eng_name": "clinic", "description": "합성 데이터", "connection_info": info, **members}


def test_it_registers_a_database_from_the_described_text(api: Api, target: Target) -> None:
    status, database = api.call("post", "/ddp/db", body(json.dumps(target.reader)))
    assert status == 201
    assert database["kor_name"] == "의원"
    assert database["connection"]["db"] == target.reader["db"]
    assert api.call("get", f"/ddp/db/{database['id']}")[1]["description"] == "합성 데이터"


@pytest.mark.parametrize("slash", ["", "/"])
def test_paths_work_with_and_without_the_last_slash(api: Api, sqlite_target: Target, slash: str) -> None:
    assert api.call("post", f"/ddp/db{slash}", body(sqlite_target.reader))[0] == 201
    status, [database] = api.call("get", f"/ddp/db{slash}")
    assert status == 200
    assert api.call("get", f"/ddp/db/{database['id']}{slash}")[0] == 200


def test_it_takes_an_object_and_a_url(api: Api, mariadb_target: Target) -> None:
    reader = mariadb_target.reader
    url = f"mysql://reader:reader-secret@127.0.0.1:{reader['port']}/clinic"
    assert api.call("post", "/ddp/db", body(reader))[0] == 201
    assert api.call("post", "/ddp/db", body(url))[0] == 201


def test_no_answer_shows_the_password_and_the_row_has_it_encrypted(api: Api, mariadb_target: Target) -> None:
    answers = [api.call("post", "/ddp/db", body(mariadb_target.reader)), api.call("get", "/ddp/db")]
    assert "reader-secret" not in str(answers)
    stored = Database.objects.get()
    assert "reader-secret" not in str(list(Database.objects.values()))
    assert credentials.decrypt(stored.password) == "reader-secret"


def test_a_wrong_password_is_a_problem_that_does_not_show_it(api: Api, mariadb_target: Target) -> None:
    status, problem = api.call("post", "/ddp/db", body({**mariadb_target.reader, "passwd": "hunter2"}))
    assert status == 502
    assert "Access denied" in problem["detail"]
    assert "hunter2" not in str(problem)
    assert not Database.objects.exists()


def test_a_database_that_is_away_is_a_problem(api: Api, settings: Settings) -> None:
    port = free_port()
    settings.TEXT_TO_SQL_HOSTS = [f"127.0.0.1:{port}"]
    for engine in ("mysql", "postgres"):
        info = {"engine": engine, "host": "127.0.0.1", "port": port, "db": "x", "user": "y", "passwd": "hunter2"}
        status, problem = api.call("post", "/ddp/db", body(info))
        assert (status, "hunter2" in str(problem)) == (502, False)


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ({"host": "169.254.169.254", "db": "x", "user": "y"}, "not allowed"),
        ({"host": "allowed.example", "port": 22, "db": "x", "user": "y"}, "not allowed"),
        ({"host": "allowed.example.evil.example", "db": "x", "user": "y"}, "not allowed"),
        ({"engine": "sqlite", "db": "../../etc/passwd"}, "SQLITE_FOLDER"),
        ({"engine": "sqlite", "db": "/etc/passwd"}, "SQLITE_FOLDER"),
        ({"engine": "oracle", "host": "x", "db": "x", "user": "y"}, "engine"),
        ({"host": "x"}, "db and user"),
        ({"host": "x", "db": "x", "user": "y", "init_command": "DROP"}, "unknown"),
        ("not json", "URL"),
        ("mysql://u:p@h:99999999/x", "URL"),
    ],
)
def test_it_connects_only_where_the_settings_allow(api: Api, settings: Settings, info: object, text: str) -> None:
    settings.TEXT_TO_SQL_HOSTS = ["allowed.example"]
    status, problem = api.call("post", "/ddp/db", body(info))
    assert status == 400
    assert text in problem["errors"][0]["detail"]


def test_a_role_that_may_write_is_warned_about(api: Api, postgres_target: Target) -> None:
    _, reader = api.call("post", "/ddp/db", body(postgres_target.reader))
    _, owner = api.call("post", "/ddp/db", body(postgres_target.owner))
    assert reader["warnings"] == []
    assert "superuser" in owner["warnings"][0]
    assert "CREATE ROLE" in owner["read_only_role"][0]


def test_a_mariadb_role_that_may_write_is_warned_about(api: Api, mariadb_target: Target) -> None:
    assert api.call("post", "/ddp/db", body(mariadb_target.reader))[1]["warnings"] == []
    assert "ALL PRIVILEGES" in api.call("post", "/ddp/db", body(mariadb_target.owner))[1]["warnings"][0]


def test_it_changes_and_forgets_a_database(api: Api, sqlite_target: Target) -> None:
    database = api.register(sqlite_target.reader)
    assert api.call("put", f"/ddp/db/{database}", {"kor_name": "새 이름"})[1]["kor_name"] == "새 이름"
    assert api.call("delete", f"/ddp/db/{database}") == (204, None)
    assert api.call("get", f"/ddp/db/{database}")[0] == 404


def test_a_password_can_be_rotated(settings: Settings) -> None:
    settings.DATABASE_CREDENTIAL_KEYS = ["a" * 32]
    stored = credentials.encrypt("secret")
    settings.DATABASE_CREDENTIAL_KEYS = ["b" * 32, "a" * 32]
    rotated = credentials.rotate(stored)
    settings.DATABASE_CREDENTIAL_KEYS = ["b" * 32]
    assert credentials.decrypt(rotated) == "secret"
    with pytest.raises(CredentialsUnavailable, match="put the old key back"):
        credentials.decrypt(stored)


def test_callers_need_the_permission(api: Api, settings: Settings) -> None:
    settings.API_AUTH = "required"
    for method, path in (
        ("get", "/ddp/db"),
        ("post", "/ddp/db"),
        ("post", "/llm/execute-sql/db/1/s"),
        ("get", "/llm/executions"),
    ):
        assert api.call(method, path)[0] == 401


def test_a_mariadb_of_the_tests_shares_no_temporary_folder_with_others(mariadb: MariaDB) -> None:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@tmpdir = CONCAT(TRIM(TRAILING '/' FROM @@datadir), '-tmp')")
        assert cursor.fetchone() == (1,)
