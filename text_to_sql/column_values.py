"""Reads all values of columns that have few, such as cities, states and grades: questions name them."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import String
from sqlalchemy.engine import Connection

MAX_VALUES = 50  # of a column; one with more holds names, texts or numbers
READ_ROWS = 5000  # of a table
MAX_CHARACTERS = 60
_MIN_REPEATS = 2  # a value occurs that often on average: names of people, which are nearly unique, are left out


def values(connection: Connection, source: str, columns: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The sorted values of each text column that has few. `source` is the quoted name of the table.

    Raises `SQLAlchemyError` if the table can't be read.
    """
    names = [str(column["name"]) for column in columns if isinstance(column["type"], String)]
    return {name: found for name in names if (found := _values(connection, source, name))}


def _values(connection: Connection, source: str, name: str) -> list[str]:
    """Nothing for a column with many values or long ones."""
    column = connection.dialect.identifier_preparer.quote_identifier(name)
    statement = (
        f"SELECT {column}, COUNT(*) FROM (SELECT {column} FROM {source} LIMIT {READ_ROWS}) AS part "  # noqa: S608 - quoted
        f"WHERE {column} IS NOT NULL GROUP BY {column} LIMIT {MAX_VALUES + 1}"
    )
    rows = connection.exec_driver_sql(statement).all()
    found = sorted(str(value) for value, _ in rows)
    is_few = len(found) <= MAX_VALUES and sum(count for _, count in rows) >= _MIN_REPEATS * len(found)
    return found if is_few and all(_is_readable(value) for value in found) else []


def _is_readable(value: str) -> bool:
    return 0 < len(value) <= MAX_CHARACTERS and "\0" not in value
