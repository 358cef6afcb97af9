"""Finds words of a question that are values of a column: `서울` is a customer's city."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from text_to_sql import lexicon
from text_to_sql.models import Column, Table

_MIN_CHARACTERS = 2  # a single letter is in every question; a single digit is a number


@dataclass(frozen=True)
class ValueLink:
    """A value of a column that the question names, as it is in the data."""

    table: str
    column: str
    value: str


def links(tables: Sequence[Table], synonyms: Mapping[str, list[str]], question: str) -> list[ValueLink]:
    """The values that the question names, longest first. `tables` have their visible columns prefetched.

    A synonym of a value counts as the value: `Seoul` for `서울`.
    """
    asked = " ".join(question.casefold().split())
    found = {
        link: len(name)
        for table in tables
        for column in table.columns.all()
        for link, name in _of_column(table, column, synonyms)
        if names(asked, name)
    }
    return sorted(found, key=lambda link: (-found[link], link.table, link.column, link.value))


def known_values(column: Column) -> list[str]:
    """The values that are known of a column: all of them if they are few, else samples."""
    return list(dict.fromkeys(map(str, column.values or column.samples)))


def names(asked: str, name: str) -> bool:
    """Whether a text in lower case has this name as a word. In Korean, an ending may follow."""
    name = name.casefold()
    start = asked.find(name)
    while start >= 0:
        end = start + len(name)
        if _is_free(asked[start - 1 : start]) and (_is_free(asked[end : end + 1]) or lexicon.is_korean(name[-1])):
            return True
        start = asked.find(name, start + 1)
    return False


def _of_column(table: Table, column: Column, synonyms: Mapping[str, list[str]]) -> Iterator[tuple[ValueLink, str]]:
    for value in known_values(column):
        for name in (value, *synonyms.get(value.casefold(), ())):
            if len(name) >= _MIN_CHARACTERS and not name.replace(".", "").replace("-", "").isdigit():
                yield ValueLink(table.name, column.name, value), name


def _is_free(character: str) -> bool:
    return not character.isalnum()
