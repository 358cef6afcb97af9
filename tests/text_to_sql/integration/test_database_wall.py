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
from text_to_sql.exceptions import StatementFailed, TargetTimeout
from text_to_sql.execution import wall
from text_to_sql.execution.result import Limits
from text_to_sql.guard import Table

VISIBLE = (Table("people", ("id", "name")), Table("visits", ("id", "person_id", "clinic", "fee", "memo")))
REFUSED = re.compile("prohibited|not authorized|variable number|constructor failed|authorization denied")
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


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT name FROM sqlite_master",
        "SELECT * FROM pragma_table_info('salaries')",
        "SELECT COUNT(*) FROM sqlite_schema",
        "SELECT COUNT(*) FROM dbstat",
        "SELECT value FROM json_each('[1]')",
        "SELECT * FROM salaries",
        "SELECT COUNT(*) FROM salaries",
        "SELECT 1 FROM people, salaries",
        "SELECT note FROM people",
        "SELECT * FROM people",
        "SELECT id FROM people WHERE note LIKE 'S%'",
        "SELECT id FROM people ORDER BY note",
        "WITH people AS (SELECT note AS name FROM main.people) SELECT name FROM people",
        "SELECT id FROM people NATURAL JOIN (SELECT id, note FROM people)",
        "SELECT (SELECT MAX(amount) FROM salaries)",
        "SELECT randomblob(10)",
        "SELECT load_extension('x')",
        "SELECT 'a' LIKE ?1",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "ATTACH DATABASE ':memory:' AS other",
        "CREATE TEMP TABLE t (a)",
        "CREATE TEMP VIEW v AS SELECT * FROM main.salaries",
        "BEGIN IMMEDIATE",
        "VACUUM INTO 'stolen.sqlite3'",
    ],
)
def test_sqlite_reads_visible_columns_and_nothing_else(sqlite_target: Target, statement: str) -> None:
    with pytest.raises(StatementFailed, match=REFUSED):
        wall.run(read(sqlite_target.reader), statement, VISIBLE, LIMITS)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT COUNT(*) FROM people",
        "WITH q AS (SELECT 1 AS x) SELECT COUNT(*) FROM q",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT SUM(i) FROM n",
        "SELECT p.name, v.fee FROM main.people p LEFT JOIN visits v ON v.person_id = p.id ORDER BY v.memo",
        "SELECT name FROM names",
    ],
)
def test_sqlite_reads_what_is_visible(sqlite_target: Target, statement: str) -> None:
    """A visible view may show a hidden column."""
    sqlite_target.run("CREATE VIEW names AS SELECT p.note || s.amount AS name FROM people p, salaries s")
    visible = (*VISIBLE, Table("names", ("name",)))
    assert wall.run(read(sqlite_target.reader), statement, visible, LIMITS).rows


def test_a_broken_view_of_sqlite_fails_alone(sqlite_target: Target) -> None:
    sqlite_target.run("CREATE VIEW broken AS SELECT gone FROM gone")
    visible = (*VISIBLE, Table("broken", ("gone",)))
    assert wall.run(read(sqlite_target.reader), "SELECT id FROM people", visible, LIMITS).rows
    with pytest.raises(StatementFailed, match="gone"):
        wall.run(read(sqlite_target.reader), "SELECT gone FROM broken", visible, LIMITS)


def test_a_rule_may_read_a_hidden_column_of_sqlite(sqlite_target: Target) -> None:
    visits = Table("visits", ("id",), rule="clinic = 'north'")
    sql = "SELECT id FROM visits WHERE clinic = 'north'"
    assert wall.run(read(sqlite_target.reader), sql, (visits,), LIMITS).rows == [b'{"id":1}']


@pytest.mark.parametrize(
    "statement",
    [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n",
        f"SELECT COUNT(*) FROM {', '.join(f'visits v{number}' for number in range(40))}",
    ],
)
def test_sqlite_ends_a_statement_by_its_own_clock(
    sqlite_target: Target, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the thread that watches it gets no time."""
    monkeypatch.setattr("text_to_sql.execution.watch.SPARE_SECONDS", 3600)
    with pytest.raises(TargetTimeout):
        wall.run(read(sqlite_target.reader), statement, VISIBLE, LIMITS)


def test_sqlite_makes_no_value_over_which_one_call_takes_long(sqlite_target: Target) -> None:
    long = "REPLACE(REPLACE(REPLACE(REPLACE('aaaaaaaaaa', 'a', '{0}'), 'a', '{0}'), 'a', '{0}'), 'a', 'a')".format(
        "a" * 60
    )
    with pytest.raises(StatementFailed, match="too big"):
        wall.run(read(sqlite_target.reader), f"SELECT INSTR({long}, 'b')", VISIBLE, LIMITS)


def test_the_reader_can_read(target: Target, settings: Settings) -> None:
    assert attempt(target, target.reader, "SELECT id, name FROM people") != []
