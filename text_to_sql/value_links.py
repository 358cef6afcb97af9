"""Finds values of columns in a question. So far none."""

from collections.abc import Iterable
from dataclasses import dataclass

from text_to_sql.models import Table


@dataclass(frozen=True)
class ValueLink:
    """A value of a column that the question names."""

    table: str
    column: str
    value: str


def links(tables: Iterable[Table], question: str) -> list[ValueLink]:
    """The values of these tables' columns that the question names."""
    return []
