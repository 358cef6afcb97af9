"""The terms of a text: what it is about, in Korean and English.

Names of things that stand on desks become concepts (`concepts.txt`), the same for each name in both languages. Of what
is left, an English word is a term, and a Korean one becomes its pairs of syllables: Korean joins words without a
blank, so 신발장 has to find 원목신발장. Most nouns have two syllables, so pairs do what trigrams do elsewhere.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

MAX_CHARS: Final = 500  # of a text that are looked at
MAX_TERM: Final = 32  # characters

_WORD = re.compile(r"[a-z]+|[가-힣]+|[0-9]+")
_HANGUL = re.compile(r"[가-힣]")
_PARTICLES = (
    "에서 에게 으로 부터 까지 처럼 보다 이나 이랑 하고 용 은 는 이 가 을 를 에 의 와 과 도 로 만 나 랑".split()  # noqa: SIM905
)
_LEAST_STEM = 2  # syllables that stay if a particle is cut off
_LEAST_PLURAL = 4  # letters: `bus` is no plural


class Unit(NamedTuple):
    """One part of a text: its terms, all of which a match must have."""

    terms: tuple[str, ...]
    is_concept: bool


def units(text: str) -> list[Unit]:
    """The parts of a text in order, concepts first; each part once."""
    plain = unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold()[:MAX_CHARS]
    names, concepts = _concepts()
    found = [Unit((f"={concepts[_squeezed(each[0])]}",), True) for each in names.finditer(plain)]
    words = (_word_terms(word) for word in _WORD.findall(names.sub(" ", plain)))
    return list(dict.fromkeys([*found, *(Unit(terms, False) for terms in words if terms)]))


def terms(text: str) -> list[str]:
    """All terms of a text, each once."""
    return list(dict.fromkeys(term for unit in units(text) for term in unit.terms))


def _word_terms(word: str) -> tuple[str, ...]:
    if not _HANGUL.match(word):
        return (_singular(word)[:MAX_TERM],)
    stem = _without_particle(word)
    return tuple(stem[at : at + 2] for at in range(max(len(stem) - 1, 1))) if stem else ()


def _without_particle(word: str) -> str:
    """The word without a particle at its end; blank if it is nothing else, as after the name of a concept."""
    if word in _PARTICLES:
        return ""
    ends = (word[: -len(each)] for each in _PARTICLES if word.endswith(each))
    return next((stem for stem in ends if len(stem) >= _LEAST_STEM), word)


def _singular(word: str) -> str:
    return word[:-1] if len(word) >= _LEAST_PLURAL and word.endswith("s") and not word.endswith("ss") else word


@cache
def _concepts() -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of all names, the longest first, and the concept by each name; a concept is its first name."""
    lines = [line.split(",") for line in _lines()]
    concepts = {_squeezed(name): _squeezed(line[0]) for line in lines for name in line}
    names = sorted((name.strip() for line in lines for name in line), key=lambda name: (-len(name), name))
    return re.compile("|".join(map(_pattern, names))), concepts


def _lines() -> Iterable[str]:
    text = (Path(__file__).parent / "concepts.txt").read_text("utf-8")
    return (line for line in text.splitlines() if line and not line.startswith("#"))


def _pattern(name: str) -> str:
    """Korean names fit anywhere in a word; English ones are whole words, in the singular or the plural."""
    escaped = r"[\s-]*".join(map(re.escape, name.split()))
    return escaped if _HANGUL.match(name) else rf"(?<![a-z]){escaped}(?:e?s)?(?![a-z])"


def _squeezed(name: str) -> str:
    """A name without blanks, hyphens and the plural: how both a list and a text write it."""
    joined = re.sub(r"[\s-]+", "", name)
    return joined if _HANGUL.match(joined) else re.sub(r"e?s$", "", joined)
