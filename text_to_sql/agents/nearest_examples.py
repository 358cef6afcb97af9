"""The verified examples that are most like a question."""

from collections.abc import Iterator

from common.normalization import normalized
from text_to_sql.guard import Catalogue, QueryRefused, check
from text_to_sql.models import Database, Example

_MAX_COMPARED = 300  # the newest


def nearest(database: Database, question: str, catalogue: Catalogue, count: int = 4) -> list[Example]:
    """At most `count` examples, the nearest last, whose SQL the caller could run: others may name what is hidden."""
    asked = _pairs(question)
    known = list(database.examples.order_by("-id")[:_MAX_COMPARED])
    known.sort(key=lambda example: _likeness(asked, _pairs(example.question)), reverse=True)
    found: list[Example] = []
    for example in _allowed(known, catalogue):
        found.append(example)
        if len(found) == count:
            break
    return found[::-1]


def _allowed(examples: list[Example], catalogue: Catalogue) -> Iterator[Example]:
    for example in examples:
        try:
            check(example.sql, catalogue, 1)
        except QueryRefused:
            continue
        yield example


def _pairs(text: str) -> set[str]:
    """Pairs of neighbouring characters: they need no list of words, and Korean endings cost little."""
    folded = "".join(normalized("NFKC", text).casefold().split())
    return {folded[place : place + 2] for place in range(len(folded) - 1)} or {folded}


def _likeness(one: set[str], other: set[str]) -> float:
    """Dice's coefficient."""
    return 2 * len(one & other) / (len(one) + len(other))
