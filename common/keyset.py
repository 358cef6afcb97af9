"""Look-ups that are one range of one index, so that a page costs the same at any depth and for any name.

Both bounds are row comparisons over the columns of an index, and the order names all of them. Said with `=` and OR, the
same question leaves a planner other ways, which read a large part of the table where names are not spread evenly.
"""

from typing import Any

from django.db.models import BooleanField, F, Func, Value


def at_least(**place: Any) -> Func:
    """`(column, …) >= (value, …)`."""
    return _compared(">=", place)


def at_most(**place: Any) -> Func:
    """`(column, …) <= (value, …)`."""
    return _compared("<=", place)


def below(**place: Any) -> Func:
    """`(column, …) < (value, …)`: what comes behind `place` where the highest comes first."""
    return _compared("<", place)


def above(**place: Any) -> Func:
    """`(column, …) > (value, …)`: what comes behind `place` where the lowest comes first."""
    return _compared(">", place)


def _compared(operator: str, place: dict[str, Any]) -> Func:
    columns = Func(*(F(name) for name in place), template="(%(expressions)s)")
    values = Func(*(Value(value) for value in place.values()), template="(%(expressions)s)")
    return Func(columns, values, template="%(expressions)s", arg_joiner=f" {operator} ", output_field=BooleanField())
