"""Registered databases, and the guard's catalogue of one as a caller sees it."""

from collections.abc import Iterable

from django.db.models import Prefetch

from common.exceptions import NoSuchRecord
from text_to_sql.guard import Catalogue
from text_to_sql.guard import Table as VisibleTable
from text_to_sql.models import Column, Database, RowRule, Table

NO_ROWS = "1 = 0"


def registered(database_id: int) -> Database:
    """The registered database. Raises `NoSuchRecord`."""
    found = Database.objects.filter(pk=database_id).first()
    if found is None:
        raise NoSuchRecord("No database has this id: GET /ddp/db lists them.")
    return found


def catalogue_of(database: Database, groups: Iterable[int] | None) -> Catalogue:
    """The visible tables. `groups` are the ids of the caller's groups; None is a caller who sees all rows."""
    columns = Prefetch("columns", Column.objects.filter(hidden=False))
    tables = database.tables.filter(hidden=False).prefetch_related(columns, "rules")
    member_of = None if groups is None else set(groups)
    return Catalogue(database.engine, database.schema, tuple(_visible(table, member_of) for table in tables))


def _visible(table: Table, groups: set[int] | None) -> VisibleTable:
    names = tuple(column.name for column in table.columns.all())
    return VisibleTable(table.name, names, _rule(list(table.rules.all()), groups))


def _rule(rules: list[RowRule], groups: set[int] | None) -> str:
    if groups is None or not rules:
        return ""
    own = [f"({rule.predicate})" for rule in rules if rule.group_id in groups]
    return " OR ".join(own) or NO_ROWS
