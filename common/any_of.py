"""`column IN (…)` for many values of bytes, which PostgreSQL gets as one parameter.

Django compiles each value of an `__in`, and psycopg quotes each: for 200 values that takes longer than the query.
"""

from typing import Any

from django.db.models.lookups import In


class AnyOf(In):
    """Whether a column of bytes has one of the values; a condition of `filter`: `AnyOf(F("digest"), digests)`."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """The values as the text of an array: psycopg takes 30 µs for each item of a list."""
        column, parameters = self.process_lhs(compiler, connection)
        items = ",".join(f'"\\\\x{value.hex()}"' for value in self.rhs)
        return f"{column} = ANY(%s::bytea[])", [*parameters, f"{{{items}}}"]
