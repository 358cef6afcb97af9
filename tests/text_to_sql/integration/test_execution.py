"""`/llm/execute-sql/…`: rows, types, caps, time-outs, and the record of each attempt."""

import json
import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from pytest_django import Settings

from tests.support.registered import Api
from tests.text_to_sql.conftest import Target
from text_to_sql.catalogue import catalogue_of
from text_to_sql.guard import check
from text_to_sql.models import Database, QueryExecutionLog, RowRule, Table

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT COUNT(*) FROM n"


def test_it_answers_rows_with_their_types(api: Api, target: Target) -> None:
    status, answer = api.execute(
        api.register(target.owner), "SELECT id, clinic, fee, NULL AS nothing FROM visits ORDER BY id"
    )
    assert status == 200
    assert answer["data"][0] == {"id": 1, "clinic": "north", "fee": 10.5, "nothing": None}
    assert [column["name"] for column in answer["columns"]] == ["id", "clinic", "fee", "nothing"]
    assert (answer["truncated"], answer["summary"]) == (False, "The result has 2 rows.")


def test_decimals_and_times_keep_all_digits(api: Api, postgres_target: Target) -> None:
    postgres_target.run("CREATE TABLE kinds (d NUMERIC, t TIMESTAMPTZ, l DATE, b BYTEA)")
    postgres_target.run(
        "INSERT INTO kinds VALUES (12345678901234567890.123, '2026-01-02T03:04:05Z', '2026-01-02', 'a')"
    )
    database = api.register(postgres_target.owner)
    response = api.client.post(
        f"/llm/execute-sql/db/{database}/s",
        json.dumps({"query": "SELECT * FROM kinds"}),
        content_type="application/json",
    )
    assert b'"d":12345678901234567890.123' in response.content
    assert [column["type"] for column in response.json()["columns"]] == [
        "decimal",
        "timestamp with time zone",
        "date",
        "bytes",
    ]
    assert response.json()["data"][0]["l"] == "2026-01-02"


def test_it_caps_rows_and_bytes(api: Api, sqlite_target: Target, settings: Settings) -> None:
    database = api.register(sqlite_target.owner)
    settings.QUERY_MAX_ROWS = 1
    assert (
        len(api.execute(database, "SELECT id FROM visits")[1]["data"]),
        api.execute(database, "SELECT id FROM visits LIMIT 1")[1]["truncated"],
    ) == (1, False)
    assert api.execute(database, "SELECT id FROM visits")[1]["truncated"]
    settings.QUERY_MAX_ROWS, settings.QUERY_MAX_BYTES = 100, 12
    assert api.execute(database, "SELECT id FROM visits")[1] | {"columns": 0} == {
        "data": [{"id": 1}],
        "columns": 0,
        "truncated": True,
        "summary": "The result has at least 1 row. id: 1",
    }


def test_a_statement_is_cancelled_in_the_database_at_its_deadline(api: Api, target: Target, settings: Settings) -> None:
    database = api.register(target.owner)
    settings.QUERY_SECONDS = 0.5
    started = time.monotonic()
    query = (
        ENDLESS
        if target.engine != "mysql"
        else f"SELECT COUNT(*) FROM {', '.join(f'salaries s{n}, visits v{n}' for n in range(30))}"
    )
    status, problem = api.execute(database, query)
    assert (status, problem["type"]) == (504, "urn:ml-proxy:problem:target-database-timeout")
    assert time.monotonic() - started < 20


def test_a_lock_does_not_hang_it(api: Api, mariadb_target: Target) -> None:
    database = api.register(mariadb_target.owner)
    mariadb_target.run("LOCK TABLES visits WRITE")
    status, problem = api.execute(database, "SELECT id FROM visits")
    mariadb_target.run("UNLOCK TABLES")
    assert (status, problem["type"]) == (504, "urn:ml-proxy:problem:target-database-timeout")


def test_the_databases_words_are_in_the_problem(api: Api, target: Target) -> None:
    database = api.register(target.owner)
    target.run("DROP TABLE salaries")
    status, problem = api.execute(database, "SELECT amount FROM salaries")
    assert (status, problem["type"]) == (422, "urn:ml-proxy:problem:statement-failed")
    assert "salaries" in problem["detail"]


def test_each_attempt_is_a_record_in_history(
    api: Api, sqlite_target: Target, process_records: Callable[[], None]
) -> None:
    database = api.register(sqlite_target.owner)
    api.execute(database, "SELECT id FROM visits", "one")
    api.execute(database, "DELETE FROM visits", "one")
    api.execute(database, "SELECT id FROM visits", "two")
    process_records()
    status, rows = api.call("get", f"/llm/executions?database={database}&session=one")
    assert status == 200
    assert [(row["outcome"], row["row_count"]) for row in rows] == [("refused", 0), ("succeeded", 2)]
    assert rows[1]["executed_sql"].startswith('SELECT "visits"."id" FROM (SELECT')
    assert rows[0]["query"] == "DELETE FROM visits"
    assert QueryExecutionLog.objects.count() == 3


def test_no_answer_leaves_without_its_record(
    api: Api, sqlite_target: Target, journaled: Callable[[], list[object]], settings: Settings
) -> None:
    database = api.register(sqlite_target.owner)
    settings.JOURNAL_MAX_BYTES = 1
    from recording import recorder  # noqa: PLC0415 - models load once Django is set up

    recorder.reset()
    assert api.execute(database, "SELECT id FROM visits")[0] == 503


def test_rules_decide_which_rows_a_group_sees(api: Api, target: Target, settings: Settings) -> None:
    database = api.register(target.owner)
    group = Group.objects.create(name="north")
    RowRule.objects.create(table=Table.objects.get(name="visits"), group=group, predicate="clinic = 'north'")
    user = User.objects.create_user("ann")
    user.user_permissions.set(Permission.objects.filter(codename="add_queryexecutionlog"))
    settings.API_AUTH = "required"
    api.client.force_login(user)
    assert seen(api, database) == []
    user.groups.add(group)
    assert seen(api, database) == ["north"]


def test_rules_of_several_groups_add_up(api: Api, sqlite_target: Target) -> None:
    database = Database.objects.get(pk=api.register(sqlite_target.owner))
    groups = [Group.objects.create(name=name) for name in ("north", "south")]
    for group in groups:
        rule = RowRule(table=Table.objects.get(name="visits"), group=group, predicate=f"clinic = '{group.name}'")
        rule.full_clean()
        rule.save()
    sql = check("SELECT id FROM visits", catalogue_of(database, [group.pk for group in groups]), 10).sql
    assert "\"clinic\" = 'north') OR (\"clinic\" = 'south'" in sql
    assert len(sqlite_target.run(sql)) == 2


def test_a_rule_that_can_not_be_used_is_not_saved(api: Api, sqlite_target: Target) -> None:
    api.register(sqlite_target.owner)
    rule = RowRule(table=Table.objects.get(name="visits"), group=Group.objects.create(name="x"), predicate="doctor = 1")
    with pytest.raises(ValidationError, match="doctor"):
        rule.full_clean()


def seen(api: Api, database: int) -> list[str]:
    status, answer = api.execute(database, "SELECT clinic FROM visits ORDER BY clinic")
    assert status == 200, answer
    return [row["clinic"] for row in answer["data"]]


def test_an_unknown_database_is_a_404(api: Api) -> None:
    assert api.execute(4711, "SELECT 1")[0] == 404
