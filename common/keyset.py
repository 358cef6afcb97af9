"""Keyset paging: each look-up is one range of one index, so every page costs the same.

Both bounds are row comparisons over the columns of an index, and the ORDER BY names all of these columns. With `=` and
OR instead, the planner may choose another plan, which reads a large part of the table if names are spread unevenly.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import BooleanField, F, Func, Value

if TYPE_CHECKING:
    from django.db.models import QuerySet

CHUNK_ROWS = 500  # rows of a walk that are in memory


def walk(rows: "QuerySet[Any]", *key: str) -> Iterator[Any]:
    """All rows in ascending order of `key`, which must be unique; each chunk is a statement of its own.

    `rows` may be instances or dictionaries (`QuerySet.values`).
    `QuerySet.iterator` uses a server-side cursor. Behind a pooler like PgBouncer, the next statement does not find it.
    """
    rows = rows.order_by(*key)
    chunk = list(rows[:CHUNK_ROWS])
    while chunk:
        yield from chunk
        chunk = list(rows.filter(above(**_place(chunk[-1], key)))[:CHUNK_ROWS])


def _place(row: Any, key: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] if isinstance(row, dict) else getattr(row, name) for name in key}


def at_least(**place: Any) -> Func:
    """`(column, …) >= (value, …)`."""
    return _compared(">=", place)


def at_most(**place: Any) -> Func:
    """`(column, …) <= (value, …)`."""
    return _compared("<=", place)


def below(**place: Any) -> Func:
    """`(column, …) < (value, …)`: the rows after `place` in descending order."""
    return _compared("<", place)


def above(**place: Any) -> Func:
    """`(column, …) > (value, …)`: the rows after `place` in ascending order."""
    return _compared(">", place)


def _compared(operator: str, place: dict[str, Any]) -> Func:
    columns = Func(*(F(name) for name in place), template="(%(expressions)s)")
    values = Func(*(Value(value) for value in place.values()), template="(%(expressions)s)")
    return Func(columns, values, template="%(expressions)s", arg_joiner=f" {operator} ", output_field=BooleanField())
