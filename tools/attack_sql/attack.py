"""One wall against generated statements: what got through, and what was slow."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from common.exceptions import GatewayError
from tests.support import hostile_sql
from text_to_sql.connections.drivers import DRIVER_ERRORS
from text_to_sql.connections.info import ConnectionInfo, read
from text_to_sql.exceptions import TargetTimeout
from text_to_sql.execution import wall
from text_to_sql.execution.result import Limits
from text_to_sql.guard import Catalogue, QueryRefused, Table, check

Wall = Literal["guard", "database"]
# As of a caller in three groups: it costs more than a short condition, so planners would compute that one first.
RULE = "(clinic = 'north') OR (clinic = 'east') OR (clinic = 'west')"
VISIBLE = (
    Table("people", ("id", "name")),
    Table("visits", ("id", "person_id", "clinic", "fee", "memo"), rule=RULE),
)
LIMITS = Limits(seconds=0.5, rows=100, bytes=100_000)
LATE_SECONDS = 5.0  # after the time-out, on a busy machine
CHECK_SECONDS = 1.0  # of processor time for the guard
MAX_FINDINGS = 100


@dataclass(frozen=True)
class Target:
    """A database with the tables of `hostile_sql`. `run` is the owner's, without any wall.

    `reader` is the connection of the role that the registration proposes. `hides` are the marks that it must not see.
    """

    engine: str
    schema: str
    reader: dict[str, Any]
    run: Callable[[str], list[Any]]
    hides: tuple[str, ...]


@dataclass
class Outcome:
    """Counts of one attack, and what was wrong: pairs of a reason and a statement."""

    statements: int = 0
    passed: int = 0
    answered: int = 0
    timed_out: int = 0
    slowest_check: float = 0.0
    slowest_run: float = 0.0
    findings: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Adds the counts of a part."""
        for name in ("statements", "passed", "answered", "timed_out"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.slowest_check = max(self.slowest_check, other.slowest_check)
        self.slowest_run = max(self.slowest_run, other.slowest_run)
        self.findings += other.findings[: MAX_FINDINGS - len(self.findings)]


def attack(alone: Wall, target: Target, count: int, seed: int) -> Outcome:
    """Tries `count` statements against one wall. A database that changed is a finding."""
    outcome, before = Outcome(), snapshot(target)
    tried = _guard if alone == "guard" else _database
    for statement in hostile_sql.statements(target.engine, count, seed):
        outcome.statements += 1
        tried(statement, target, outcome)
    if _has_changed(target, before):
        outcome.findings.append(("the database changed", f"one of {count} statements with the seed {seed}"))
    return outcome


def _has_changed(target: Target, before: list[Any]) -> bool:
    try:
        return snapshot(target) != before
    except DRIVER_ERRORS:  # a table is gone
        return True


def snapshot(target: Target) -> list[Any]:
    """What the database holds: its rows, and the names of its tables."""
    rows = [target.run(f"SELECT * FROM {table} ORDER BY id") for table in hostile_sql.TABLES]  # noqa: S608 - ours
    return [*rows, target.run(_TABLES[target.engine])]


_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master ORDER BY name",
    "postgres": "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname NOT LIKE 'pg_%' ORDER BY 1, 2",
    "mysql": "SELECT table_schema, table_name FROM information_schema.tables "
    "WHERE table_schema NOT IN ('information_schema', 'performance_schema') ORDER BY 1, 2",
}


def _guard(statement: str, target: Target, outcome: Outcome) -> None:
    """The guard alone: what it lets pass runs by the owner, with no other wall."""
    sql = _checked(statement, target, outcome)
    if sql is None:
        return
    outcome.passed += 1
    started = time.perf_counter()
    try:
        rows = target.run(sql)
    except DRIVER_ERRORS as exc:
        rows = []
        _note_words(str(exc), ("SECRET", "south"), statement, outcome)
    _note_run(outcome, time.perf_counter() - started, statement)
    _note_rows([str(value) for row in rows for value in row], ("SECRET", "south", "4711"), statement, outcome)


def _checked(statement: str, target: Target, outcome: Outcome) -> str | None:
    started = time.thread_time()
    try:
        return check(statement, Catalogue(target.engine, target.schema, VISIBLE), LIMITS.rows).sql
    except QueryRefused:
        return None
    finally:
        seconds = time.thread_time() - started
        outcome.slowest_check = max(outcome.slowest_check, seconds)
        if seconds > CHECK_SECONDS:
            outcome.findings.append((f"the guard took {seconds:.1f} s", statement))


def _database(statement: str, target: Target, outcome: Outcome) -> None:
    """The database's wall alone: the statement runs as it is, by the reader."""
    started = time.perf_counter()
    try:
        result = wall.run(_info(target), _qualified(statement, target.engine), VISIBLE, LIMITS)
        rows = [str(value) for row in result.values for value in row]
        outcome.passed += 1
    except TargetTimeout:
        rows = []
        outcome.timed_out += 1
    except GatewayError as exc:
        rows = []
        _note_words(exc.detail, target.hides, statement, outcome)
    _note_run(outcome, time.perf_counter() - started, statement)
    _note_rows(rows, target.hides, statement, outcome)


def _info(target: Target) -> ConnectionInfo:
    return read(target.reader)


def _qualified(sql: str, engine: str) -> str:
    """The session of PostgreSQL searches no schema of the user's, so tables need theirs."""
    if engine != "postgres":
        return sql
    return re.sub(r"(?i)\b(FROM|JOIN|INTO|UPDATE|TABLE|,)\s+(people|visits|salaries)\b", r"\1 public.\2", sql)


def _note_run(outcome: Outcome, seconds: float, statement: str) -> None:
    outcome.slowest_run = max(outcome.slowest_run, seconds)
    if seconds > LIMITS.seconds + LATE_SECONDS:
        outcome.findings.append((f"it ran for {seconds:.1f} s", statement))


def _note_rows(values: Sequence[str], marks: Sequence[str], statement: str, outcome: Outcome) -> None:
    outcome.answered += bool(values)
    if any(_has(mark, value) for value in values if value not in hostile_sql.OWN_TEXTS for mark in marks):
        outcome.findings.append(("it showed what is hidden", statement))


def _note_words(words: str, marks: Sequence[str], statement: str, outcome: Outcome) -> None:
    """An error may quote the statement, so a mark that stands there tells nothing."""
    if any(_has(mark, words) for mark in marks if mark.casefold() not in statement.casefold()):
        outcome.findings.append(("an error told what is hidden", statement))


def _has(mark: str, value: str) -> bool:
    """Whether the value has the mark, in any case, or in hexadecimal. A number must be equal: others are random."""
    if mark.isdigit():
        return value == mark
    text = value.casefold()
    return mark.casefold() in text or mark.encode().hex() in text
