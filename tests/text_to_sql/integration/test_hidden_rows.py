"""Statements that a person wrote, against rules for rows: neither a row nor an error tells what a rule hides."""

import json

import pytest
from django.contrib.auth.models import Group, Permission, User
from pytest_django import Settings

from tests.support.registered import Api
from tests.text_to_sql.conftest import Target
from text_to_sql.models import RowRule, Table

pytestmark = pytest.mark.django_db

# Several groups make a rule that costs more than a short condition, so planners compute the condition first.
CLINICS = ("north", "east", "west")
READING = (
    "SELECT * FROM visits",
    "SELECT memo FROM visits WHERE clinic = 'south'",
    "SELECT memo FROM visits WHERE 1 = 1 OR clinic <> 'north'",
    "SELECT v.memo FROM people p LEFT JOIN visits v ON v.person_id = p.id OR v.person_id = 2",
    "SELECT memo FROM visits UNION ALL SELECT clinic FROM visits",
    "WITH visits AS (SELECT * FROM visits) SELECT * FROM visits",
    "SELECT name, (SELECT MAX(memo) FROM visits WHERE person_id = people.id) AS memo FROM people",
    "SELECT MAX(memo), MAX(clinic) FROM visits",
    "SELECT name FROM people WHERE EXISTS (SELECT 1 FROM visits WHERE visits.memo LIKE 'SECRET%')",
)
# Each fails for the hidden row, and not for the row that the caller sees.
FAILING = {
    "postgres": (
        "SELECT id FROM visits WHERE CAST(memo AS INTEGER) IS NULL",
        "SELECT id FROM visits WHERE 1 / (fee - 20) IS NULL",
        "SELECT id FROM visits WHERE id > 1 AND CAST(memo AS INTEGER) IS NULL",
        "SELECT number FROM (SELECT CAST(memo AS INTEGER) AS number FROM visits) d WHERE number IS NULL",
        "SELECT p.id FROM people p JOIN visits v ON CAST(v.memo AS INTEGER) IS NULL",
    ),
    "mysql": (
        "SELECT id FROM visits WHERE 9223372036854775806 + person_id IS NULL",
        "SELECT id FROM visits WHERE CASE WHEN clinic = 'south' THEN 9223372036854775807 + id END = 1",
        "SELECT id FROM visits v WHERE id = (SELECT p.id FROM people p WHERE v.clinic = 'south')",
    ),
    "sqlite": (
        "SELECT id FROM visits WHERE JSON_EXTRACT(memo, '$.a') = 1",
        "SELECT number FROM (SELECT JSON_EXTRACT(memo, '$.a') AS number FROM visits) d WHERE number = 1",
    ),
}


@pytest.fixture
def clinic(api: Api, target: Target, settings: Settings) -> int:
    """The database, asked by somebody who sees three clinics, and not the one whose memo is secret."""
    target.run("UPDATE visits SET memo = '1' WHERE id = 1")
    database = api.register(target.owner)
    user = User.objects.create_user("ann")
    user.user_permissions.set(Permission.objects.filter(codename="add_queryexecutionlog"))
    for name in CLINICS:
        group = Group.objects.create(name=name)
        user.groups.add(group)
        RowRule.objects.create(table=Table.objects.get(name="visits"), group=group, predicate=f"clinic = '{name}'")
    settings.API_AUTH = "required"
    api.client.force_login(user)
    return database


def test_no_statement_shows_a_hidden_row(api: Api, clinic: int) -> None:
    for statement in READING:
        status, answer = api.execute(clinic, statement)
        assert status == 200, (statement, answer)
        told = json.dumps(answer)
        assert "SECRET" not in told, statement
        assert "south" not in told, statement


def test_no_statement_fails_because_of_a_hidden_row(api: Api, target: Target, clinic: int) -> None:
    for statement in FAILING[target.engine]:
        status, answer = api.execute(clinic, statement)
        assert (status, answer.get("data")) == (200, []), (statement, answer)
