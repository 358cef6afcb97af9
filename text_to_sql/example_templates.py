"""Questions that equal a verified example, up to wording's case, spacing and particles, and up to its slots.

A slot is a number, a date or a value that stands once in the example's question and once in its SQL, in a comparison or
as LIMIT: another number, date, or value of the same column may stand in its place. All else must be equal.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import TokenType

from common import normalization
from text_to_sql.guard import QueryRefused, parsed
from text_to_sql.question_wording import normalized

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?")
_PATTERNS = {7: r"\d{4}-(?:0[1-9]|1[0-2])", 10: r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.Limit)
_MAX_CHARACTERS = 500  # of a question that may equal an example

Names = Mapping[str, str]  # values by the words that name them


@dataclass(frozen=True)
class Literal:
    """A literal of the SQL that a question may change. `columns` are those it is compared with; blank for LIMIT."""

    text: str
    is_text: bool
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Slot:
    """A place in the example's question: what stands there, what else may, and the values by the words for them."""

    literal: Literal
    mention: str
    pattern: str
    values: Names


def fitted(question: str, sql: str, asked: str, dialect: str, names: Mapping[str, Names]) -> str | None:
    """The example's SQL for the asked question, or None if it asks for something else.

    `names` are the values by the words that name them, by column.
    """
    if len(asked) > _MAX_CHARACTERS:
        return None
    known, wanted = normalized(question), normalized(asked)
    if known == wanted:
        return sql
    slots = list(_slots(known, literals(sql, dialect), names))
    match = _pattern(known, slots).fullmatch(wanted) if slots else None
    if match is None:
        return None
    found = [(slot.literal, slot.values.get(text, text)) for slot, text in zip(slots, match.groups(), strict=True)]
    return _replaced(sql, dialect, {old: new for old, new in found if old.text != new})


@lru_cache(maxsize=2048)
def literals(sql: str, dialect: str) -> tuple[Literal, ...]:
    """The literals that stand once in the SQL, and there in a comparison or as LIMIT.

    None in SQL of another dialect, which is left if a database is registered anew with another engine.
    """
    try:
        with parsed(sql, dialect) as tree:
            counts = Counter(text for text, _ in _tokens(sql, dialect))
            found = [_literal(node) for node in tree.find_all(exp.Literal)]
    except QueryRefused:
        return ()
    return tuple(each for each in found if each is not None and counts[each.text] == 1)


def _literal(node: exp.Literal) -> Literal | None:
    parent = node.parent
    if not isinstance(parent, _COMPARISONS):
        return None
    columns = tuple(column.name for column in parent.find_all(exp.Column))
    return Literal(node.name, bool(node.is_string), columns)


def _slots(question: str, known: Sequence[Literal], names: Mapping[str, Names]) -> Iterator[Slot]:
    """In the order of the question."""
    found = [slot for literal in known if (slot := _slot(question, literal, names)) is not None]
    yield from sorted(found, key=lambda slot: question.index(slot.mention))


def _slot(question: str, literal: Literal, names: Mapping[str, Names]) -> Slot | None:
    if not literal.is_text or _DATE.fullmatch(literal.text):
        pattern = _PATTERNS[len(literal.text)] if literal.is_text else _NUMBER.pattern
        mentions = [match for match in _tokens_of(question) if match == literal.text]
        return Slot(literal, literal.text, pattern, {}) if len(mentions) == 1 else None
    values = {word: value for column in literal.columns for word, value in names.get(column, {}).items()}
    said = sorted((word for word, value in values.items() if value == literal.text and word in question), key=len)
    if not said or question.count(said[-1]) != 1:
        return None
    return Slot(literal, said[-1], "|".join(re.escape(word) for word in sorted(values, key=len, reverse=True)), values)


def _tokens_of(question: str) -> list[str]:
    """The dates and numbers of a normalized question."""
    return re.findall(rf"{_DATE.pattern}|{_NUMBER.pattern}", question)


def _pattern(question: str, slots: Sequence[Slot]) -> re.Pattern[str]:
    """Matches the normalized questions that fit. A number ends where its digits end."""
    parts, rest = [], question
    for slot in slots:
        before, _, rest = rest.partition(slot.mention)
        parts.append(f"{re.escape(before)}(?<![\\d.])({slot.pattern})(?![\\d.])")
    return re.compile("".join(parts) + re.escape(rest))


def _replaced(sql: str, dialect: str, changed: Mapping[Literal, str]) -> str | None:
    """The SQL with other literals. None for a value that can't be written without doubt."""
    places = dict(_tokens(sql, dialect))
    for literal in sorted(changed, key=lambda literal: places[literal.text], reverse=True):
        start, end = places[literal.text]
        new = changed[literal]
        if "\\" in new or "\0" in new:
            return None
        written = "'" + new.replace("'", "''") + "'" if literal.is_text else new
        sql = sql[:start] + written + sql[end + 1 :]
    return sql


def _tokens(sql: str, dialect: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The texts of literals and where they stand."""
    for token in Dialect.get_or_raise(dialect).tokenize(sql):
        if token.token_type in {TokenType.NUMBER, TokenType.STRING}:
            yield token.text, (token.start, token.end)


def normal_names(values: Mapping[str, Sequence[str]]) -> Names:
    """The values by the normalized words that name them. A word that names two values names none."""
    pairs = [(normalized(word), value) for value, words in values.items() for word in words]
    meanings = {(normalization.normalized("NFKC", word), value) for word, value in pairs if word}
    counts = Counter(word for word, _ in meanings)
    return {word: value for word, value in meanings if counts[word] == 1}
