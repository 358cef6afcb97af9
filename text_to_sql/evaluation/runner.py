"""Asks the published questions, as a caller would, and says how each was answered."""

import datetime as dt
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson
from django.conf import settings

from common.exceptions import GatewayError
from text_to_sql import answers, demo_databases
from text_to_sql.asked import Asked
from text_to_sql.catalogue import catalogue_of
from text_to_sql.evaluation.comparison import Rows, same
from text_to_sql.evaluation.questions import Question
from text_to_sql.exceptions import CannotAnswer, ModelNeeded, NotAnswered
from text_to_sql.execution import wall
from text_to_sql.execution.result import Limits
from text_to_sql.guard import check
from text_to_sql.llm import usage
from text_to_sql.models import Database
from text_to_sql.test_databases import NAMES, loading

SEED, UNTIL = 1, dt.date(2026, 11, 30)  # the golds are written for these rows
CALLER = "evaluation"
_LIMITS = Limits(seconds=30, rows=5000, bytes=50_000_000)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a question was answered.

    `kind`: `right`; `wrong`, if SQL was given that says something else; `refused`, if the service said that it can't
    answer; `failed`, if the model wrote no SQL that runs or could not be asked. A refusal is right if no table has the
    answer: `is_right`.
    """

    question: Question
    kind: str
    sql: str
    detail: str
    by: str  # model, example or nobody
    tokens_in: int
    tokens_out: int
    calls: int
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether it is what a person would want."""
        return self.kind == ("right" if self.question.golds else "refused")


@dataclass(frozen=True)
class _Answer:
    kind: str = ""
    sql: str = ""
    detail: str = ""
    by: str = "nobody"


@contextmanager
def databases() -> Iterator[dict[str, Database]]:
    """The test databases by name, registered as long as the evaluation runs."""
    folder = Path(settings.SQLITE_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="evaluation-", dir=folder) as made:
        registered: dict[str, Database] = {}
        try:
            for _ in loading.write_sqlite(Path(made), SEED, UNTIL):
                pass
            for name in NAMES:
                file = f"{Path(made).name}/test_{name}.sqlite3"
                registered[name] = demo_databases.register(name, {"engine": "sqlite", "db": file}, f"evaluation_{name}")
            yield registered
        finally:
            for database in registered.values():
                database.delete()


def run(asked: Sequence[Question], known: dict[str, Database]) -> Iterator[Outcome]:
    """The outcome of each question, one after another."""
    for question in asked:
        started = time.perf_counter()
        with usage.counted() as used:
            answer = _ask(question, known[question.database])
        seconds = time.perf_counter() - started
        kind = answer.kind or _judged(question, known[question.database], answer.sql)
        yield Outcome(
            question=question, kind=kind, sql=answer.sql, detail=answer.detail, by=answer.by, seconds=seconds,
            tokens_in=used.tokens_in, tokens_out=used.tokens_out, calls=used.calls,
        )  # fmt: skip


def _ask(question: Question, database: Database) -> _Answer:
    try:
        asked = Asked(database=database, question=question.text, caller=CALLER, groups=None)
        found = answers.answer(asked, any_model=True)
    except (CannotAnswer, ModelNeeded) as exc:
        return _Answer("refused", detail=exc.detail)
    except NotAnswered as exc:
        return _Answer("failed", detail=exc.detail)
    except GatewayError as exc:
        return _Answer("failed", detail=f"{exc.kind}: {exc.detail}")
    return _Answer(sql=str(found["sql"]), by="example" if found["example"] else "model")


def _judged(question: Question, database: Database, sql: str) -> str:
    """Whether the SQL says what a gold says. SQL for a question without gold is wrong."""
    answer: Rows = []
    with suppress(GatewayError):
        answer = _rows(database, sql)
    golds = (_gold_rows(database, gold) for gold in question.golds)
    return "right" if any(same(answer, gold, ordered=question.ordered) for gold in golds) else "wrong"


def _rows(database: Database, sql: str) -> Rows:
    """What a caller would get. Raises `GatewayError`."""
    catalogue = catalogue_of(database, None)
    checked = check(sql, catalogue, _LIMITS.rows)
    result = wall.run(database.info, checked.sql, catalogue.tables, _LIMITS)
    return [list(orjson.loads(row).values()) for row in result.rows]


def _gold_rows(database: Database, sql: str) -> Rows:
    with closing(sqlite3.connect(Path(settings.SQLITE_FOLDER) / database.db)) as connection:
        return connection.execute(sql).fetchall()
