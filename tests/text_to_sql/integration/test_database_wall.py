"""The database's wall alone: hostile statements run without the guard, by the role that the registration proposes."""

import re
from contextlib import suppress
from typing import Any

import pytest
from pytest_django import Settings

from common.exceptions import GatewayError
from tests.support import hostile_sql
from tests.text_to_sql.conftest import Target
from text_to_sql.connections.info import read
from text_to_sql.exceptions import StatementFailed
from text_to_sql.execution import wall
from text_to_sql.execution.result import Limits

VISIBLE = ("people", "visits")
LIMITS = Limits(seconds=0.5, rows=100, bytes=100_000)
WRITES = (
    "DELETE FROM visits",
    "UPDATE visits SET memo = 'x'",
    "INSERT INTO people VALUES (9, 'x', 'y')",
    "DROP TABLE people",
    "CREATE TABLE x (a INTEGER)",
    "SELECT 1; DELETE FROM visits",
    "COMMIT; DELETE FROM visits",
    "ANALYZE DELETE FROM visits",  # behind the word EXPLAIN
    "WITH d AS (DELETE FROM visits RETURNING *) SELECT * FROM d",
    "SELECT * INTO stolen FROM visits",
)


def attempt(target: Target, info: dict[str, Any], sql: str) -> list[bytes]:
    with suppress(GatewayError):
        return wall.run(read(info), qualified(sql, target), VISIBLE, LIMITS).rows
    return []


def qualified(sql: str, target: Target) -> str:
    """The session of PostgreSQL searches no schema of the user's, so tables need theirs."""
    if target.engine != "postgres":
        return sql
    return re.sub(r"(?i)\b(FROM|JOIN|INTO|UPDATE|TABLE|,)\s+(people|visits|salaries)\b", r"\1 public.\2", sql)


def contents(target: Target) -> list[Any]:
    return [target.run(f"SELECT * FROM {table} ORDER BY id") for table in hostile_sql.TABLES]


@pytest.mark.parametrize("role", ["reader", "owner"])
@pytest.mark.parametrize("statement", WRITES)
def test_no_statement_writes_whatever_the_role_may(target: Target, role: str, statement: str) -> None:
    before = contents(target)
    attempt(target, getattr(target, role), statement)
    assert contents(target) == before


def test_sqlite_hides_its_own_catalogue(sqlite_target: Target) -> None:
    for statement in (
        "SELECT name FROM sqlite_master",
        "SELECT * FROM pragma_table_info('salaries')",
        "SELECT * FROM salaries",
    ):
        with pytest.raises(StatementFailed):
            wall.run(read(sqlite_target.reader), statement, VISIBLE, LIMITS)


def test_the_reader_can_read(target: Target, settings: Settings) -> None:
    assert attempt(target, target.reader, "SELECT id, name FROM people") != []
