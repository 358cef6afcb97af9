"""Words of names, comments and questions, and what they have in common across Korean, English and abbreviations."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from common.normalization import normalized

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[a-z]+|[가-힣]+|\d+")
_HANGUL = re.compile(r"[가-힣]")
# Words that say nothing about a table.
_STOP_TEXT = """
    the a an of in on at to for by with and or is are was were be been do does did have has had how many much what
    which who whom whose when where show me list give tell find get all each every per number from there their its
    that this these those most least more than less top please i we you it tb tbl
"""
_STOP = frozenset(_STOP_TEXT.split())


def words(text: str) -> list[str]:
    """The words in lower case and order, English ones as stems: `orderItems` is `order` and `item`."""
    spaced = _CAMEL.sub(" ", normalized("NFKC", text))
    return [_stem(word) for word in _WORD.findall(spaced.casefold()) if word not in _STOP]


def is_korean(word: str) -> bool:
    """Whether a word of `words` is Korean."""
    return _HANGUL.match(word) is not None


def concepts(word: str) -> frozenset[int]:
    """The concepts that a word of `words` stands for."""
    return _index().get(word, frozenset())


def others(concept: int) -> tuple[str, ...]:
    """The English words of a concept, as stems."""
    return _english()[concept]


@cache
def _index() -> Mapping[str, frozenset[int]]:
    """The concepts of each word."""
    found: dict[str, set[int]] = {}
    for number, line in enumerate(_lines()):
        for word in line:
            found.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


@cache
def _english() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(word for word in line if not is_korean(word)) for line in _lines())


@cache
def _lines() -> tuple[tuple[str, ...], ...]:
    text = (Path(__file__).parent / "concepts.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return tuple(tuple(_stem(word) for word in line.split() if word != "|") for line in lines)


@cache
def _stem(word: str) -> str:
    """A crude stem: the same for the singular, the plural, and most verb forms."""
    if is_korean(word) or len(word) < 4:
        return word
    for ending, replacement in (
        ("ies", "y"),
        ("sses", "ss"),
        ("ches", "ch"),
        ("xes", "x"),
        ("ss", "ss"),
        ("us", "us"),
        ("s", ""),
    ):
        if word.endswith(ending):
            return word[: -len(ending)] + replacement
    return word
