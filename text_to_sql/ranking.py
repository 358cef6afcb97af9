"""Ranks the tables of a database for a question. So far by name only."""

from django.db.models import Prefetch

from text_to_sql.models import Column, Database, Table


def rank(database: Database, question: str, limit: int = 8) -> list[Table]:
    """The `limit` best tables, best first. Hidden tables are left out, as are hidden columns of the others."""
    visible = Prefetch("columns", Column.objects.filter(hidden=False))
    return list(database.tables.filter(hidden=False).prefetch_related(visible)[:limit])
