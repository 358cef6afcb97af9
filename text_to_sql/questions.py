"""Questions without a model: a question that equals a verified example gets that example's SQL."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import TokenType

from text_to_sql.catalogue import catalogue_of
from text_to_sql.exceptions import ModelNeeded, StatementRefused
from text_to_sql.guard import QueryRefused, check
from text_to_sql.models import Database, Example, QuestionSession

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_PARTICLE = re.compile(r"(?<=[가-힣])[을를이가은는]$")
_MARKS = re.compile(r"[?!;:\"'“”‘’()…·]+|[.,](?!\d)")  # others, such as < and -, have a meaning


@dataclass(frozen=True)
class Shape:
    """What two equal questions share: the words without case, spacing and particles, with `#` for each number."""

    words: str
    numbers: tuple[str, ...]


def answer(database: Database, question: str, groups: Iterable[int] | None) -> tuple[QuestionSession, Example]:
    """A new session with the SQL of an equal example. Raises `ModelNeeded` or `StatementRefused`."""
    asked = shape(question)
    examples = list(database.examples.order_by("-id"))  # the newest correction counts
    for example in examples:
        sql = _fitted(example, asked, database.engine)
        if sql is not None:
            _require_allowed(sql, database, groups)
            return QuestionSession.objects.create(database=database, question=question, sql=sql), example
    near = get_close_matches(question, [example.question for example in examples], n=3, cutoff=0.2)
    hint = f" Verified questions are, for example: {'; '.join(near)}." if near else ""
    raise ModelNeeded(
        f"No verified example equals this question, and no model is connected. Write the SQL yourself.{hint}"
    )


def verify(session: QuestionSession, sql: str) -> tuple[Example, bool]:
    """Keeps a session's question with SQL that a person verified, and whether it is new. Raises `StatementRefused`."""
    _require_allowed(sql, session.database, None)
    return Example.objects.get_or_create(database=session.database, question=session.question, sql=sql)


def shape(question: str) -> Shape:
    """The shape of a question."""
    words = _MARKS.sub(" ", unicodedata.normalize("NFKC", question).casefold()).split()
    numbers = tuple(number.replace(",", "") for word in words for number in _NUMBER.findall(word))
    return Shape("".join(_NUMBER.sub("#", _PARTICLE.sub("", word)) for word in words), numbers)


def _fitted(example: Example, asked: Shape, dialect: str) -> str | None:
    """The example's SQL with the numbers of the question; None if the questions differ in more than such numbers."""
    known = shape(example.question)
    if known.words != asked.words:
        return None
    changed = {old: new for old, new in zip(known.numbers, asked.numbers, strict=True) if old != new}
    return _with_numbers(example.sql, known, changed, dialect) if changed else example.sql


def _with_numbers(sql: str, known: Shape, changed: dict[str, str], dialect: str) -> str | None:
    """Each changed number must stand once in the question and once in the SQL: else it is not clear which."""
    tokens = [token for token in Dialect.get_or_raise(dialect).tokenize(sql) if token.token_type is TokenType.NUMBER]
    counts, asked = Counter(token.text for token in tokens), Counter(known.numbers)
    if any(counts[old] != 1 or asked[old] != 1 for old in changed):
        return None
    for token in reversed(tokens):
        if token.text in changed:
            sql = sql[: token.start] + changed[token.text] + sql[token.end + 1 :]
    return sql


def _require_allowed(sql: str, database: Database, groups: Iterable[int] | None) -> None:
    try:
        check(sql, catalogue_of(database, groups), 1)
    except QueryRefused as exc:
        raise StatementRefused(str(exc)) from None
