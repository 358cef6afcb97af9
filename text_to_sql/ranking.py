"""Ranks the tables of a database for a question, without a model.

A search like BM25 over words, concepts and pieces of words (`text_to_sql.lexicon`), each weighted by where it stands: a
word of a table's name counts more than one of a column's. An index is kept in this process as long as the known tables
are.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from text_to_sql import lexicon
from text_to_sql.known_tables import KnownTables, kept
from text_to_sql.lexicon.matching import Vocabulary, features, units
from text_to_sql.models import Column, Table

_SATURATION = 1.5  # BM25's k1
_NEIGHBOR = 0.15  # of the score of a table that references this one, or that this one references
_NAME, _TITLE, _TEXT, _COLUMN, _COLUMN_TEXT, _SAMPLE, _SYNONYM = 4.0, 4.0, 1.5, 1.2, 1.2, 0.6, 4.0


@dataclass
class _Index:
    """Postings by feature: which table has it, with which weight in the score."""

    size: int
    postings: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    neighbors: list[set[int]] = field(default_factory=list)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)


def rank(known: KnownTables, question: str, limit: int = 8) -> list[Table]:
    """The `limit` best tables, best first. Hidden tables are left out, as are hidden columns of the others."""
    index = _index(known)
    scores = _with_neighbors(_scores(index, question), index)
    best = sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:limit]
    return [known.tables[place] for place in best]


def _scores(index: _Index, question: str) -> list[float]:
    """Each part of the question counts by its best match in a table, and by how few tables match it at all.

    Pieces of words count only if nothing better matches: some are in every table, as `eate` of `created_at`.
    """
    scores = [0.0] * index.size
    for unit in units(question, index.vocabulary):
        best = _best(index, unit.full) or _best(index, unit.pieces)
        rarity = math.log(1 + (len(scores) - len(best) + 0.5) / (len(best) + 0.5))
        for place, weight in best.items():
            scores[place] += rarity * weight
    return scores


def _best(index: _Index, weighted: Mapping[str, float]) -> dict[int, float]:
    """The best match of each table that has one."""
    best: dict[int, float] = {}
    for feature, factor in weighted.items():
        for place, weight in index.postings.get(feature, ()):
            best[place] = max(best.get(place, 0.0), factor * weight)
    return best


def _with_neighbors(scores: list[float], index: _Index) -> list[float]:
    """A table between two good ones is probably needed to join them."""
    return [
        score
        + _NEIGHBOR
        * sum(scores[other] for other in index.neighbors[place])
        / max(len(index.neighbors[place]), 1) ** 0.5
        for place, score in enumerate(scores)
    ]


@kept
def _index(known: KnownTables) -> _Index:
    index = _Index(len(known.tables), neighbors=_neighbors(known.tables))
    _add(index, [_of_table(table, known.synonyms) for table in known.tables])
    return index


def _add(index: _Index, documents: list[Counter[str]]) -> None:
    """Fills the postings. As in BM25, a word that is there ten times counts little more than once."""
    for place, document in enumerate(documents):
        for feature, weight in document.items():
            index.postings.setdefault(feature, []).append((place, weight * (_SATURATION + 1) / (weight + _SATURATION)))
    index.vocabulary = Vocabulary(feature.removeprefix("w:") for feature in index.postings if feature[0] == "w")


def _of_table(table: Table, synonyms: Mapping[str, list[str]]) -> Counter[str]:
    """The features of a table. A long name is less about each of its words than a short one."""
    found: Counter[str] = Counter()
    for text, weight in _texts(table, synonyms):
        words = lexicon.words(text)
        for feature in (feature for word in words for feature in features(word)):
            found[feature] += weight / len(words) ** 0.5
    return found


def _texts(table: Table, synonyms: Mapping[str, list[str]]) -> Iterator[tuple[str, float]]:
    yield table.name, _NAME
    yield table.kor_name, _TITLE
    yield from ((text, _TEXT) for text in (table.comment, table.description))
    yield from ((word, _SYNONYM) for word in synonyms.get(table.name.casefold(), ()))
    for column in table.columns.all():
        yield column.name, _COLUMN
        yield from ((text, _COLUMN_TEXT) for text in (column.kor_name, column.comment, column.description))
        yield " ".join(map(str, column.samples)), _SAMPLE
        yield from ((word, _SYNONYM) for word in _of_column(table, column, synonyms))


def _of_column(table: Table, column: Column, synonyms: Mapping[str, list[str]]) -> Iterable[str]:
    """The other words for the column, and for the values that are known of it."""
    names = (f"{table.name}.{column.name}", column.name, *column.samples)
    return [word for name in names for word in synonyms.get(str(name).casefold(), ())]


def _neighbors(tables: Sequence[Table]) -> list[set[int]]:
    """The tables that a foreign key connects with each."""
    places = {table.name: place for place, table in enumerate(tables)}
    found: list[set[int]] = [set() for _ in tables]
    for place, table in enumerate(tables):
        for column in table.columns.all():
            other = places.get(column.references.rpartition(".")[0], place)
            if other != place:
                found[place].add(other)
                found[other].add(place)
    return found
