"""How words of a question match words of names and comments: exactly, by concept, by abbreviation, by pieces.

A feature is a text: `w:` and a word, `c:` and a concept, `g:` and two Korean or four English letters of a longer word.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from text_to_sql import lexicon

_CONCEPT, _PREFIX, _ABBREVIATION, _PIECES = 0.85, 0.85, 0.7, 0.5
_SHORTEST = 3  # letters of an abbreviation
_VOWELS = frozenset("aeiou")


@dataclass(frozen=True)
class Unit:
    """A part of a question: features, and how much of a match each one is."""

    full: Mapping[str, float]
    pieces: Mapping[str, float]


class Vocabulary:
    """The words of a database."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words = frozenset(words)
        self._by_letter: dict[str, list[str]] = defaultdict(list)
        for word in self.words:
            if len(word) >= _SHORTEST and word.isascii():
                self._by_letter[word[0]].append(word)

    def shortened(self, word: str) -> Iterator[tuple[str, float]]:
        """The words that may be short for this one: `resta` and `rstr` for `restaurant`."""
        for short in self._by_letter.get(word[0], ()):
            if len(short) < len(word):
                if word.startswith(short):
                    yield short, _PREFIX
                elif _VOWELS.isdisjoint(short[1:]) and _is_subsequence(short, word):
                    yield short, _ABBREVIATION


def features(word: str) -> Iterator[str]:
    """The features of a word of a table."""
    yield f"w:{word}"
    for part in _segments(word, frozenset()) if lexicon.is_korean(word) else (word,):
        yield from (f"c:{concept}" for concept in lexicon.concepts(part))
    yield from _pieces(word)


def units(question: str, vocabulary: Vocabulary) -> Iterator[Unit]:
    """The parts of a question that can match each for itself. A Korean word may have several: 호텔예약."""
    for word in dict.fromkeys(lexicon.words(question)):
        parts = list(_segments(word, vocabulary.words)) if lexicon.is_korean(word) else [word]
        for part in parts:
            yield _unit(part, vocabulary)
        if not parts:
            yield Unit({}, dict.fromkeys(_pieces(word), _PIECES))


def _unit(word: str, vocabulary: Vocabulary) -> Unit:
    found: dict[str, float] = {}
    english = [word] if not lexicon.is_korean(word) else []
    for concept in lexicon.concepts(word):
        found[f"c:{concept}"] = _CONCEPT
        english += lexicon.others(concept)
    for full in english:
        found |= {f"w:{short}": factor for short, factor in vocabulary.shortened(full)}
    return Unit(found | {f"w:{word}": 1.0}, dict.fromkeys(_pieces(word), _PIECES))


def _segments(word: str, known: frozenset[str]) -> Iterator[str]:
    """The parts of a Korean word that are words, from left to right, the longest at each place."""
    start = 0
    while start < len(word):
        ends = range(len(word), start + 1, -1) if len(word) > 1 else (1,)
        end = next((end for end in ends if word[start:end] in known or lexicon.concepts(word[start:end])), 0)
        if end:
            yield word[start:end]
        start = end or start + 1


def _pieces(word: str) -> Iterator[str]:
    size = 2 if lexicon.is_korean(word) else 4
    if len(word) > size:
        yield from (f"g:{word[start : start + size]}" for start in range(len(word) - size + 1))


def _is_subsequence(short: str, word: str) -> bool:
    letters = iter(word)
    return all(letter in letters for letter in short)
