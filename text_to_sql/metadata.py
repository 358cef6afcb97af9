"""Stores what is known of a database's tables, and keeps what people wrote about them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from text_to_sql.models import Column, Database, Described, Table

_TABLE_FACTS = ("comment",)
_COLUMN_FACTS = ("data_type", "nullable", "primary_key", "references", "comment", "samples", "values")
_WRITTEN = ("kor_name", "description", "hidden")


def merged(database: Database, extracted: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Extracted tables with what people wrote, as `save` takes them, and what changed since the last save."""
    stored = {table.name: table for table in database.tables.prefetch_related("columns")}
    changes: list[str] = []
    tables = [_merged_table(table, stored.pop(table["name"], None), changes) for table in extracted]
    return {"tables": tables, "removed": sorted(stored), "changes": changes}


@transaction.atomic
def save(database: Database, tables: Iterable[Mapping[str, Any]], removed: Iterable[str]) -> None:
    """Stores tables, edited or not. Tables that are neither in `tables` nor in `removed` stay as they are."""
    database.tables.filter(name__in=list(removed)).delete()
    for table in tables:
        stored, _ = Table.objects.update_or_create(
            database=database, name=table["name"], defaults=_fields(table, (*_TABLE_FACTS, *_WRITTEN))
        )
        _save_columns(stored, table["columns"])


def described(database: Database) -> list[dict[str, Any]]:
    """The tables with their ids, as `GET /ddp/db/{id}/table` answers."""
    return [described_table(table) for table in database.tables.prefetch_related("columns")]


def described_table(table: Table) -> dict[str, Any]:
    """One table with its columns."""
    facts = {name: getattr(table, name) for name in ("id", "name", *_TABLE_FACTS, *_WRITTEN)}
    return facts | {"columns": [described_column(column) for column in table.columns.all()]}


def described_column(column: Column) -> dict[str, Any]:
    """One column."""
    return {name: getattr(column, name) for name in ("id", "name", *_COLUMN_FACTS, *_WRITTEN)}


def write(item: Described, values: Mapping[str, Any]) -> None:
    """Stores what a person wrote about a table or a column."""
    for name, value in values.items():
        setattr(item, name, value)
    item.save(update_fields=[*values, "updated_at"])


def _save_columns(table: Table, columns: Iterable[Mapping[str, Any]]) -> None:
    names = []
    for position, column in enumerate(columns):
        fields = _fields(column, (*_COLUMN_FACTS, *_WRITTEN)) | {"position": position}
        Column.objects.update_or_create(table=table, name=column["name"], defaults=fields)
        names.append(column["name"])
    table.columns.exclude(name__in=names).delete()


def _fields(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _merged_table(table: dict[str, Any], stored: Table | None, changes: list[str]) -> dict[str, Any]:
    columns = {column.name: column for column in stored.columns.all()} if stored else {}
    if stored is None:
        changes.append(f"{table['name']}: new")
    found = [
        _merged_column(table["name"], each, columns.pop(each["name"], None), stored, changes)
        for each in table["columns"]
    ]
    changes.extend(f"{table['name']}.{name}: gone" for name in columns)
    return {**table, **_written(stored, table["comment"]), "columns": found}


def _merged_column(
    table: str, column: dict[str, Any], stored: Column | None, known_table: Table | None, changes: list[str]
) -> dict[str, Any]:
    if stored is None and known_table is not None:
        changes.append(f"{table}.{column['name']}: new")
    if stored is not None and stored.data_type != column["data_type"]:
        changes.append(f"{table}.{column['name']}: {stored.data_type} became {column['data_type']}")
    return {**column, **_written(stored, column["comment"])}


def _written(stored: Described | None, comment: str) -> dict[str, Any]:
    """What people wrote. A new table's Korean name is its comment, if that is short."""
    if stored is not None:
        return {name: getattr(stored, name) for name in _WRITTEN}
    is_name = bool(comment) and len(comment) <= 40
    return {"kor_name": comment if is_name else "", "description": "" if is_name else comment, "hidden": False}
