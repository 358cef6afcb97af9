"""One INSERT for many rows that passes over conflicts on a named key alone."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models


def insert_new(rows: Sequence[models.Model], key: Sequence[str]) -> set[Any]:
    """Inserts rows of one model, and gives the first `key` field's values of those that were not there yet.

    `bulk_create(ignore_conflicts=True)` becomes INSERT OR IGNORE on SQLite, which also swallows NOT NULL and CHECK
    violations: a record would be lost in silence. Raises Django's database errors.
    """
    if not rows:
        return set()
    meta = rows[0]._meta  # noqa: SLF001 - Django documents _meta as public
    fields = [field for field in meta.concrete_fields if not isinstance(field, models.AutoField)]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields]
    marks = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(rows))
    returned = next(field for field in fields if field.name == key[0])
    statement = (
        f"INSERT INTO {_quoted(meta.db_table)} ({_quoted(*(field.column for field in fields))}) VALUES {marks} "  # noqa: S608
        f"ON CONFLICT ({_quoted(*key)}) DO NOTHING RETURNING {_quoted(returned.column)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {returned.to_python(value) for (value,) in cursor.fetchall()}


def _quoted(*names: str | None) -> str:
    return ", ".join(connection.ops.quote_name(str(name)) for name in names)
