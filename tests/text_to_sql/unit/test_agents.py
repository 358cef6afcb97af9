"""How agents read answers, and that a prompt does not change under its version."""

import hashlib
from pathlib import Path

import pytest

from text_to_sql.agents import prompts, query_generator, reading, result_summarizer, table_selector


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "SELECT 1;",
        "```sql\nSELECT 1;\n```",
        "```\nSELECT 1\n```\nThis counts.",
        "<think>SELECT 2?</think>\nSELECT 1",
        "Here it is:\nSELECT 1",
        "-- counts\nSELECT 1",
        "```SQL\nSELECT 1",
    ],
)
def test_sql_is_found(text: str) -> None:
    assert query_generator.read(text).sql == "SELECT 1"


def test_other_statements_are_kept_for_the_guard() -> None:
    assert query_generator.read("DELETE FROM a; SELECT 1").sql == "DELETE FROM a; SELECT 1"
    assert query_generator.read("(SELECT 1) UNION (SELECT 2)").sql == "(SELECT 1) UNION (SELECT 2)"
    assert query_generator.read("SELECT 1 AS a\nFROM b\n\nWHERE c").sql == "SELECT 1 AS a\nFROM b\n\nWHERE c"


@pytest.mark.parametrize("text", ["", "I don't know", "<think>SELECT 1", "```\n```"])
def test_no_sql_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="SQL"):
        query_generator.read(text)


@pytest.mark.parametrize(
    "text", ["-- cannot answer: the age", "```sql\n-- cannot answer: the age\n```", "Cannot answer: the age"]
)
def test_what_is_missing_is_found(text: str) -> None:
    draft = query_generator.read(text)
    assert (draft.missing, draft.sql) == ("the age", "")


def test_what_is_missing_is_short_and_on_one_line() -> None:
    assert len(query_generator.read("-- cannot answer: " + "x" * 5000).missing) == 300
    assert query_generator.read("-- cannot answer").missing


@pytest.mark.parametrize("text", ['{"tables": ["a"]}', '```json\n{"tables": ["a"]}\n```', 'Sure: {"tables": ["a"]} ok'])
def test_tables_are_found(text: str) -> None:
    assert table_selector.read(text) == {"a"}


@pytest.mark.parametrize(
    "text", ["", "a, b", "[1]", '{"tables": "a"}', '{"tables": [1]}', "{" * 100_000, '{"a": ' * 100_000]
)
def test_other_answers_are_errors(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it"):
        table_selector.read(text)
    with pytest.raises(ValueError, match=r"^it"):
        result_summarizer.read(text)


def test_a_line_has_no_control_characters() -> None:
    assert reading.line("a\n\x00b\u2028c\u202ed", 20) == "a b c d"


def test_a_changed_prompt_is_a_new_version() -> None:
    """Change a prompt in a new file with a new version, and add its digest here: evaluations name versions."""
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in _FOLDER.glob("*.txt")}
    assert found == {
        "query_generator.v3.txt": "c0114c2b60e353cc",
        "result_summarizer.v1.txt": "414efbb0acbb3be7",
        "table_selector.v1.txt": "8007a8b207ba59d4",
    }


_FOLDER = Path(prompts.__file__).parent
