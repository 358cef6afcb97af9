"""Statements that are written once and asked again with other values.

Django takes longer to write a page's statement than PostgreSQL to answer it.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection
from psycopg.pq import Format

if TYPE_CHECKING:
    from django.db.models import QuerySet

MAX_STATEMENTS = 100  # kept; a few shapes of question are nearly all that is asked

Columns = tuple[Any, ...]
Values = Sequence[tuple[str, Any]]  # each with the name of the column that it is compared with


class Prepared:
    """What a queryset of plain columns asks; its last values, as many as `places`, are left open."""

    def __init__(self, rows: "QuerySet[Any, Any]", places: int) -> None:
        compiler = rows.query.get_compiler(connection=connection)
        self._sql, values = compiler.as_sql()
        self._first = tuple(values[: len(values) - places])
        self._fields = {field.name: field for field in rows.model._meta.concrete_fields}  # noqa: SLF001 - documented
        self._converters = compiler.get_converters([column for column, *_ in compiler.select])

    def ask(self, values: Values) -> list[Columns]:
        """The rows, with these values in the open places. Raises Django's database errors."""
        given = [self._fields[name].get_db_prep_value(value, connection) for name, value in values]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # Django's own reads each moment with a regular expression, three quarters of the CPU of reading a page.
                cursor.adapters.register_loader("timestamptz", _moment_loader())
            cursor.execute(self._sql, (*self._first, *given))
            rows: list[Columns] = cursor.fetchall()
        return [self._converted(row) for row in rows] if self._converters else rows

    def _converted(self, row: Columns) -> Columns:
        found = list(row)
        for index, (converters, column) in self._converters.items():
            for convert in converters:
                found[index] = convert(found[index], column, connection)
        return tuple(found)


_kept: dict[Hashable, Prepared] = {}


def ask(shape: Hashable, rows: "Callable[[], QuerySet[Any, Any]]", values: Values) -> list[Columns]:
    """The rows of a question; all of one shape have one statement but for `values`, which come last in it."""
    statement = _kept.get(shape)
    if statement is None:
        if len(_kept) >= MAX_STATEMENTS:
            _kept.clear()
        statement = _kept[shape] = Prepared(rows(), len(values))
    return statement.ask(values)


def _moment_loader() -> Any:
    """Psycopg's, in C; it takes the connection's time zone, which Django sets to UTC."""
    return psycopg.adapters.get_loader(psycopg.adapters.types["timestamptz"].oid, Format.TEXT)
