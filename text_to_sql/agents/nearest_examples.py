"""The verified examples that are most like a question."""

from collections.abc import Iterator
from functools import lru_cache

from common.normalization import normalized
from text_to_sql.asked import Asked
from text_to_sql.guard import Catalogue, QueryRefused, check
from text_to_sql.models import Example

_MAX_COMPARED = 300  # the newest


def nearest(asked: Asked, count: int = 8) -> list[Example]:
    """At most `count` examples, the nearest last, whose SQL the caller could run: others may name what is hidden."""
    pairs = _pairs(asked.question)
    newest = asked.known.examples[:_MAX_COMPARED]
    known = sorted(newest, key=lambda example: _likeness(pairs, _pairs(example.question)), reverse=True)
    found: list[Example] = []
    for example in _allowed(known, asked.catalogue):
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


@lru_cache(maxsize=2048)
def _pairs(text: str) -> frozenset[str]:
    """Pairs of neighbouring characters: they need no list of words, and Korean endings cost little."""
    folded = "".join(normalized("NFKC", text).casefold().split())
    return frozenset(folded[place : place + 2] for place in range(len(folded) - 1)) or frozenset({folded})


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Dice's coefficient."""
    return 2 * len(one & other) / (len(one) + len(other))
