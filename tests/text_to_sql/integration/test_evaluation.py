"""The published questions and their evaluation."""

import io
import json
import sqlite3
import tomllib
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import sqlglot
from django.core.management import call_command
from pytest_django import Settings
from sqlglot import exp

from common.intervals import wilson
from text_to_sql import evaluation_standard
from text_to_sql.evaluation.comparison import Rows, same
from text_to_sql.evaluation.questions import LEVELS, questions, sample
from text_to_sql.evaluation.runner import SEED, UNTIL
from text_to_sql.exceptions import ModelNotAccepted
from text_to_sql.models import Database, Evaluation
from text_to_sql.question_wording import normalized
from text_to_sql.test_databases import NAMES, loading
from text_to_sql.test_databases.examples import VerifiedExample, examples, sql_of

pytestmark = pytest.mark.any_database


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golds")
    list(loading.write_sqlite(folder, SEED, UNTIL))
    return folder


def result(rows: Path, name: str, sql: str) -> Rows:
    with closing(sqlite3.connect(rows / f"test_{name}.sqlite3")) as connection:
        return connection.execute(sql).fetchall()


def test_there_are_two_hundred_questions_half_of_them_korean() -> None:
    every = questions()
    assert Counter(each.language for each in every) == {"ko": 100, "en": 100}
    assert {each.database for each in every} == set(NAMES)
    assert {each.level for each in every} == set(LEVELS)
    assert len({each.id for each in every}) == len({each.text for each in every}) == 200
    assert all(bool(each.golds) == (each.level != "unanswerable") for each in every)


def test_each_gold_has_rows_and_says_more_than_nothing(rows: Path) -> None:
    for each in questions():
        for gold in each.golds:
            found = result(rows, each.database, gold)
            assert found, (each.id, gold)
            assert found not in ([(0,)], [(None,)]), (each.id, gold)


def test_the_golds_say_what_a_second_reading_says(rows: Path) -> None:
    second = tomllib.loads((Path(__file__).parent / "second_reading.toml").read_text("utf-8"))
    every = questions()
    assert {each.id.rpartition("-")[0] for each in every} == second.keys()
    for each in every:
        reading = second[each.id.rpartition("-")[0]]
        assert bool(each.golds) == ("sql" in reading), each.id
        if each.golds:
            answer = result(rows, each.database, reading["sql"])
            assert any(same(answer, result(rows, each.database, gold), ordered=each.ordered) for gold in each.golds), (
                each.id
            )


def test_no_question_is_an_example() -> None:
    """Otherwise the evaluation would measure the examples."""
    shown = {normalized(text) for name in NAMES for each in examples(name) for text in (each.ko, each.en)}
    assert not [each.text for each in questions() if normalized(each.text) in shown]


def test_no_example_has_the_answer_to_a_question(rows: Path) -> None:
    """Not the same rows from the same tables, whatever the words."""
    shown = {name: [answered(rows, name, example) for example in examples(name)] for name in NAMES}
    for question in questions():
        for gold in question.golds:
            answer, tables = result(rows, question.database, gold), tables_of(gold)
            for example, found, read in shown[question.database]:
                assert read != tables or not same(found, answer, ordered=False), (question.id, example.ko)


def answered(rows: Path, name: str, example: VerifiedExample) -> tuple[VerifiedExample, Rows, set[str]]:
    """The example, its rows, and the tables that it reads."""
    sql = sql_of(example.sql, "sqlite").replace("date('now'", f"date('{UNTIL}'")
    return example, result(rows, name, sql), tables_of(sql)


def tables_of(sql: str) -> set[str]:
    return {table.name for table in sqlglot.parse_one(sql, dialect="sqlite").find_all(exp.Table)}


@pytest.mark.django_db
def test_without_a_model_no_question_is_answered_wrong(settings: Settings, tmp_path: Path) -> None:
    settings.SQLITE_FOLDER, settings.LLM_BASE_URL = tmp_path, ""
    output = tmp_path / "report.json"
    call_command("evaluate_sql", "--output", str(output), stdout=io.StringIO(), stderr=io.StringIO())
    found = json.loads(output.read_text())
    assert found["questions"] == 200
    assert Counter(each["kind"] for each in found["outcomes"]) == {"refused": 200}
    assert "| unanswerable | 32 of 32 |" in output.with_suffix(".md").read_text()
    assert not Database.objects.exists()
    assert not Evaluation.objects.exists()


def test_a_sample_has_all_databases_and_languages() -> None:
    few = sample(40)
    assert len(few) == 40
    assert {each.database for each in few} == set(NAMES)
    assert {each.language for each in few} == {"ko", "en"}


@pytest.mark.parametrize(
    ("answer", "gold", "ordered", "equal"),
    [
        ([[1, "a"], [2, "b"]], [["b", 2], ["a", 1]], False, True),
        ([[1, "a"], [2, "b"]], [[2, "b"], [1, "a"]], True, False),
        ([[3.64]], [[3.6363636]], False, True),
        ([[3.7]], [[3.6363636]], False, False),
        ([[40]], [[41]], False, False),
        ([[40.0]], [[40]], False, True),
        ([["x", 40, 7]], [[40]], False, True),
        ([[40, 1, 2, 3]], [[40]], False, False),
        ([[40], [40]], [[40]], False, False),
        ([], [[40]], False, False),
        ([[None]], [[40]], False, False),
        ([["07", 5]], [["2026-07", 5]], False, False),
    ],
)
def test_results_are_compared_as_a_person_would(
    answer: list[list[object]], gold: list[list[object]], ordered: bool, equal: bool
) -> None:
    assert same(answer, gold, ordered=ordered) is equal


def test_intervals_are_wilson_s() -> None:
    low, high = wilson(26, 30)
    assert (round(low, 3), round(high, 3)) == (0.703, 0.947)
    assert wilson(0, 0) == (0.0, 1.0)


def outcomes(right: int, of: int = 60) -> dict[str, bool]:
    return {f"q{number}": number < right for number in range(of)}


@pytest.mark.django_db
def test_a_model_that_is_worse_than_the_accepted_one_is_refused() -> None:
    evaluation_standard.store("good", "1", outcomes(50), accept=True)
    assert evaluation_standard.store("close", "1", outcomes(48), accept=False).verdict == "not-worse"
    assert evaluation_standard.store("bad", "1", outcomes(35), accept=False).verdict == "worse"
    for model in ("good", "close", "unknown"):
        evaluation_standard.require_accepted(model, "1")
    evaluation_standard.require_accepted("bad", "2")
    with pytest.raises(ModelNotAccepted, match="bad with prompt 1"):
        evaluation_standard.require_accepted("bad", "1")
    evaluation_standard.store("bad", "1", outcomes(35), accept=True)
    evaluation_standard.require_accepted("bad", "1")


@pytest.mark.django_db
def test_too_few_common_questions_refuse_nothing() -> None:
    evaluation_standard.store("good", "1", outcomes(19, of=19), accept=True)
    assert evaluation_standard.store("bad", "1", outcomes(0), accept=False).verdict == "not-worse"
