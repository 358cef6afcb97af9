"""One INSERT for many rows that ignores conflicts on one named key only."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import orjson
from django.db import connection, models

AnyField: TypeAlias = "models.Field[Any, Any]"


def insert_new(rows: Sequence[models.Model], key: Sequence[str]) -> set[Any]:
    """Inserts rows of one model, and returns the values in the first column of `key` of the new rows.

    `bulk_create(ignore_conflicts=True)` is INSERT OR IGNORE on SQLite. That also ignores NOT NULL and CHECK violations,
    so a record could be lost silently. Raises Django's database errors.
    """
    if not rows:
        return set()
    meta = rows[0]._meta  # noqa: SLF001 - Django documents _meta as public
    fields = [field for field in meta.concrete_fields if not isinstance(field, models.AutoField)]
    returned = next(field for field in fields if field.column == key[0])
    source, values = (_as_json if connection.vendor == "postgresql" else _as_values)(fields, rows)
    statement = (
        f"INSERT INTO {_quoted(meta.db_table)} ({_columns(fields)}) {source} "
        f"ON CONFLICT ({_quoted(*key)}) DO NOTHING RETURNING {_quoted(returned.column)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {returned.to_python(value) for (value,) in cursor.fetchall()}


def _as_json(fields: Sequence[AnyField], rows: Sequence[models.Model]) -> tuple[str, list[Any]]:
    """All rows in one JSON text, which takes a quarter of the CPU time of a placeholder for each value."""
    columns = [(field.column, field.attname, getattr(field, "stored", None)) for field in fields]  # encrypted if it has
    objects = [
        {column: stored(getattr(row, name)) if stored else getattr(row, name) for column, name, stored in columns}
        for row in rows
    ]
    types = ", ".join(f"{_quoted(field.column)} {_type(field)}" for field in fields)
    source = f"SELECT {_columns(fields)} FROM json_to_recordset(%s::json) AS new_rows ({types})"  # noqa: S608
    return source, [orjson.dumps(objects, default=_hex).decode()]


def _as_values(fields: Sequence[AnyField], rows: Sequence[models.Model]) -> tuple[str, list[Any]]:
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields]
    marks = f"({', '.join(['%s'] * len(fields))})"
    return f"VALUES {', '.join([marks] * len(rows))}", values


def _type(field: AnyField) -> str:
    """The type without a length: a cast to a length would truncate, but the column must refuse a value too long."""
    name = str(field.db_type(connection)).partition("(")[0]
    return "text" if name == "varchar" else name


def _hex(value: Any) -> str:
    """Bytes in PostgreSQL's hex format: https://www.postgresql.org/docs/current/datatype-binary.html."""
    if not isinstance(value, bytes):
        raise TypeError
    return f"\\x{value.hex()}"


def _columns(fields: Sequence[AnyField]) -> str:
    return _quoted(*(field.column for field in fields))


def _quoted(*names: str | None) -> str:
    return ", ".join(connection.ops.quote_name(str(name)) for name in names)
