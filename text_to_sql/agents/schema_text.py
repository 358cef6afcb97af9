"""Describes tables to a model, as DDL with comments. Only what the caller may see is in it."""

import re
from collections.abc import Iterable

from common.conf import settings
from text_to_sql.agents.reading import line
from text_to_sql.guard import Catalogue
from text_to_sql.guard import Table as VisibleTable
from text_to_sql.guard.catalogue import key_of
from text_to_sql.known_tables import KnownTables
from text_to_sql.models import Column, Table

_MAX_TEXT, _MAX_SAMPLE, _MAX_SAMPLES = 160, 40, 5  # characters, characters, values
_MAX_SYNONYMS, _MAX_JOINS = 40, 20
_SIMPLE_NAME = re.compile(r"[a-z_][a-z0-9_]*")


def ddl(tables: Iterable[Table], catalogue: Catalogue) -> str:
    """CREATE TABLE statements, by name: equal texts let a server reuse what it computed for the last one."""
    return "\n\n".join(_table(table, catalogue) for table in sorted(tables, key=lambda table: table.name))


def overview(tables: Iterable[Table], catalogue: Catalogue) -> str:
    """One line for each table: its name, what people call it, and its columns."""
    return "\n".join(_overview(table, catalogue) for table in tables)


def joins(tables: Iterable[Table], catalogue: Catalogue) -> list[str]:
    """The foreign keys between these tables, as conditions of a JOIN."""
    columns = [(table, column) for table in tables for column in _columns(table, catalogue)]
    names = {table.name for table, _ in columns}
    found = [
        f"{table.name}.{column.name} = {column.references}"
        for table, column in columns
        if column.references.rpartition(".")[0] in names and _may_name(column.references, catalogue)
    ]
    return found[:_MAX_JOINS]


def shows_values(table: str, catalogue: Catalogue) -> bool:
    """Whether values of a table may be in a prompt: not if the caller sees certain rows only."""
    found = _visible(table, catalogue)
    return bool(settings.LLM_SHOW_VALUES) and found is not None and not found.rule


def synonyms(known: KnownTables, tables: Iterable[Table], catalogue: Catalogue) -> str:
    """Other words for what these tables hold, one a line."""
    wanted = {name.casefold() for table in tables for name in _names(table)}
    hidden = _hidden_names(known, catalogue) if known.pairs else frozenset()
    found = [
        f"-- {line(word, 100)} = {line(means, _MAX_TEXT)}"
        for word, means in known.pairs
        if (words := _words(means)) & wanted and not words & hidden
    ]
    return "\n".join(found[:_MAX_SYNONYMS])


def _visible(table: str, catalogue: Catalogue) -> VisibleTable | None:
    return catalogue.find(key_of(catalogue.dialect, table))


def _columns(table: Table, catalogue: Catalogue) -> list[Column]:
    visible = _visible(table.name, catalogue)
    return [column for column in table.columns.all() if visible and column.name in visible.columns]


def _table(table: Table, catalogue: Catalogue) -> str:
    columns = _columns(table, catalogue)
    lines = [_column(column, table, catalogue, is_last=column is columns[-1]) for column in columns]
    comment = _comment(table.kor_name, table.description, table.comment)
    return "\n".join((f"CREATE TABLE {_written(table.name, catalogue.dialect)} ({comment}", *lines, ");"))


def _column(column: Column, table: Table, catalogue: Catalogue, *, is_last: bool) -> str:
    parts = [_written(column.name, catalogue.dialect), line(column.data_type, 60)]
    parts += ["PRIMARY KEY"] if column.primary_key else []
    parts += [f"REFERENCES {column.references}"] if _may_name(column.references, catalogue) else []
    samples = [line(each, _MAX_SAMPLE) for each in column.samples[:_MAX_SAMPLES]]
    shown = f"e.g. {', '.join(map(repr, samples))}" if samples and shows_values(table.name, catalogue) else ""
    end = "" if is_last else ","
    return f"  {' '.join(parts)}{end}{_comment(column.kor_name, column.description, column.comment, shown)}"


def _written(name: str, dialect: str) -> str:
    """The name as a statement has to write it."""
    mark = "`" if dialect == "mysql" else '"'
    return name if _SIMPLE_NAME.fullmatch(name) else f"{mark}{line(name, 100)}{mark}"


def _may_name(reference: str, catalogue: Catalogue) -> bool:
    table, _, column = reference.rpartition(".")
    visible = _visible(table, catalogue)
    return visible is not None and column in visible.columns


def _comment(*texts: str) -> str:
    shown = list(dict.fromkeys(line(text, _MAX_TEXT) for text in texts if text.strip()))
    return f" -- {'; '.join(shown)}" if shown else ""


def _overview(table: Table, catalogue: Catalogue) -> str:
    columns = [f"{each.name} {line(each.kor_name, 40)}".strip() for each in _columns(table, catalogue)]
    return f"{table.name} ({', '.join(columns)}){_comment(table.kor_name, table.description, table.comment)}"


def _names(table: Table) -> list[str]:
    return [table.name, *(column.name for column in table.columns.all())]


def _hidden_names(known: KnownTables, catalogue: Catalogue) -> frozenset[str]:
    """The names of hidden tables, and of hidden columns that no visible table has."""
    return known.names - {name.casefold() for table in catalogue.tables for name in (table.name, *table.columns)}


def _words(text: str) -> set[str]:
    return set("".join(each if each.isalnum() or each == "_" else " " for each in text.casefold()).split())
