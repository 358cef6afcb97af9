"""Lets the database plan a statement, without its rows."""

from django.conf import settings

from text_to_sql.exceptions import StatementRefused
from text_to_sql.execution import wall
from text_to_sql.execution.result import Limits
from text_to_sql.guard import Catalogue, QueryRefused, check
from text_to_sql.models import Database


def plan(database: Database, sql: str, catalogue: Catalogue, seconds: float) -> None:
    """Checks the statement, and has it planned.

    Raises `StatementRefused`, `StatementFailed`, `TargetError` or `TargetTimeout`.
    """
    try:
        checked = check(sql, catalogue, 0)
    except QueryRefused as exc:
        raise StatementRefused(str(exc), reason=exc.reason) from None
    limits = Limits(seconds=min(seconds, settings.QUERY_SECONDS), rows=0, bytes=0)
    wall.plan(database.info, checked.sql, catalogue.tables, limits)
