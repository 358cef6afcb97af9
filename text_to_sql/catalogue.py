"""Registered databases, and the guard's catalogue of one as a caller sees it."""

from collections.abc import Iterable
from functools import lru_cache

from django.db.models import FilteredRelation, Q

from common.exceptions import NoSuchRecord
from text_to_sql.guard import Catalogue
from text_to_sql.guard import Table as VisibleTable
from text_to_sql.models import Database, RowRule

NO_ROWS = "1 = 0"


def registered(database_id: int) -> Database:
    """The registered database. Raises `NoSuchRecord`."""
    found = Database.objects.filter(pk=database_id).first()
    if found is None:
        raise NoSuchRecord("No database has this id: GET /ddp/db lists them.")
    return found


def catalogue_of(database: Database, groups: Iterable[int] | None) -> Catalogue:
    """The visible tables. `groups` are the ids of the caller's groups; None is a caller who sees all rows."""
    columns = _columns(database)  # before the rules: a table may get one as it becomes visible
    rules = {} if groups is None else _rules(database, set(groups))
    tables = tuple(VisibleTable(name, tuple(own), rules.get(pk, "")) for (pk, name), own in columns.items())
    return _catalogue(database.engine, database.schema, tables)


@lru_cache(maxsize=64)
def _catalogue(dialect: str, schema: str, tables: tuple[VisibleTable, ...]) -> Catalogue:
    """One object for equal contents, so that what is kept by catalogue is found soon and kept once."""
    return Catalogue(dialect, schema, tables)


def _columns(database: Database) -> dict[tuple[int, str], list[str]]:
    """The names of visible columns, by the id and the name of their visible table, by one query."""
    visible = FilteredRelation("columns", condition=Q(columns__hidden=False))
    rows = database.tables.filter(hidden=False).annotate(visible=visible)
    found: dict[tuple[int, str], list[str]] = {}
    rows = rows.order_by("name", "visible__position", "visible__name")
    for pk, name, column in rows.values_list("pk", "name", "visible__name"):
        columns = found.setdefault((pk, name), [])
        if column is not None:  # a table may have no visible column
            columns.append(column)
    return found


def _rules(database: Database, groups: set[int]) -> dict[int, str]:
    """The predicates of the tables that have rules, by the table's id."""
    found: dict[int, list[str]] = {}
    for rule in RowRule.objects.filter(table__database=database).order_by("id"):
        own = found.setdefault(rule.table_id, [])
        if rule.group_id in groups:
            own.append(f"({rule.predicate})")
    return {table: " OR ".join(own) or NO_ROWS for table, own in found.items()}
