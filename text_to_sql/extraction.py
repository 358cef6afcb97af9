"""Reads the tables of a registered database: columns, types, keys, comments and a few sample values."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import Connection
from sqlalchemy.engine.reflection import Inspector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from text_to_sql.column_values import values
from text_to_sql.connections.drivers import DRIVER_ERRORS, connect, said
from text_to_sql.connections.info import ConnectionInfo
from text_to_sql.exceptions import TargetError, TargetTimeout

MAX_TABLES = 2000
MAX_SECONDS = 60  # for everything
STATEMENT_SECONDS = 5
SAMPLES = 5  # values of a column
SAMPLED_ROWS = 50
SAMPLE_CHARACTERS = 60

_URLS = {"postgres": "postgresql+psycopg://", "mysql": "mysql+pymysql://", "sqlite": "sqlite://"}
_SYSTEM = re.compile(r"sqlite_|pg_")


def extract(info: ConnectionInfo, schema: str) -> list[dict[str, Any]]:
    """The tables and views of a schema, sorted by name. Raises `BadInput`, `TargetError` or `TargetTimeout`."""
    engine = create_engine(_URLS[info.engine], creator=lambda: connect(info, STATEMENT_SECONDS), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return list(_tables(connection, None if info.engine == "sqlite" else schema))
    except (SQLAlchemyError, *DRIVER_ERRORS) as exc:
        cause = getattr(exc, "orig", None) or exc
        raise TargetError(f"The tables can't be read: {said(cause, info)}") from None


def _tables(connection: Connection, schema: str | None) -> Iterator[dict[str, Any]]:
    ends_at = time.monotonic() + MAX_SECONDS
    inspector = inspect(connection)
    names = sorted({*inspector.get_table_names(schema), *inspector.get_view_names(schema)})
    for name in [name for name in names if not _SYSTEM.match(name)][:MAX_TABLES]:
        if time.monotonic() > ends_at:
            raise TargetTimeout(f"Reading the tables took longer than {MAX_SECONDS} s.")
        yield _table(connection, inspector, schema, name)


def _table(connection: Connection, inspector: Inspector, schema: str | None, name: str) -> dict[str, Any]:
    columns = inspector.get_columns(name, schema)
    keys = set(inspector.get_pk_constraint(name, schema)["constrained_columns"])
    references = _references(inspector, schema, name)
    samples = _samples(connection, schema, name)
    known = _values(connection, schema, name, columns)
    return {
        "name": name,
        "comment": _comment(inspector, schema, name),
        "columns": [
            {
                "name": str(column["name"]),
                "data_type": str(column["type"])[:255],
                "nullable": bool(column["nullable"]),
                "primary_key": column["name"] in keys,
                "references": references.get(str(column["name"]), ""),
                "comment": column.get("comment") or "",
                "samples": samples.get(str(column["name"]), []),
                "values": known.get(str(column["name"]), []),
            }
            for column in columns
        ],
    }


def _references(inspector: Inspector, schema: str | None, name: str) -> dict[str, str]:
    """`table.column` by the name of the column that references it."""
    return {
        column: f"{key['referred_table']}.{referred}"
        for key in inspector.get_foreign_keys(name, schema)
        for column, referred in zip(key["constrained_columns"], key["referred_columns"], strict=False)
    }


def _comment(inspector: Inspector, schema: str | None, name: str) -> str:
    with suppress(NotImplementedError, SQLAlchemyError):  # SQLite has no comments
        return str(inspector.get_table_comment(name, schema)["text"] or "")
    return ""


def _samples(connection: Connection, schema: str | None, name: str) -> dict[str, list[str]]:
    """Distinct values of the first rows by column. A table that can't be sampled has none."""
    try:
        with _savepoint(connection):
            statement = f"SELECT * FROM {_source(connection, schema, name)} LIMIT {SAMPLED_ROWS}"  # noqa: S608 - quoted
            rows = connection.exec_driver_sql(statement).mappings().all()
    except SQLAlchemyError:
        return {}
    return {str(column): _distinct(rows, column) for column in (rows[0] if rows else ())}


def _values(
    connection: Connection, schema: str | None, name: str, columns: Sequence[Mapping[str, Any]]
) -> dict[str, list[str]]:
    try:
        with _savepoint(connection):
            return values(connection, _source(connection, schema, name), columns)
    except SQLAlchemyError:
        return {}


def _source(connection: Connection, schema: str | None, name: str) -> str:
    """The table's name in quotes."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    return f"{quote(schema)}.{quote(name)}" if schema else quote(name)


def _savepoint(connection: Connection) -> AbstractContextManager[Any]:
    """After an error, PostgreSQL refuses the rest of a transaction; the others do not."""
    return connection.begin_nested() if connection.dialect.name == "postgresql" else nullcontext()


def _distinct(rows: Sequence[Mapping[Any, Any]], column: Any) -> list[str]:
    values = (row[column] for row in rows)
    texts = dict.fromkeys(str(value)[:SAMPLE_CHARACTERS] for value in values if _is_readable(value))
    return [text for text in texts if "\0" not in text][:SAMPLES]


def _is_readable(value: object) -> bool:
    return value is not None and not isinstance(value, bytes | bytearray | memoryview)
