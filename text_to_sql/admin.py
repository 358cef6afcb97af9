"""Questions in SQL for people: the log to read, rules and examples to change."""

from django.contrib import admin

from common.admin_base import ReadOnly
from text_to_sql.models import Example, QueryExecutionLog, RowRule


@admin.register(QueryExecutionLog)
class QueryExecutionAdmin(ReadOnly):
    """The log of executions."""

    list_display = ("recorded_at", "database_name", "caller", "outcome", "row_count", "duration_ms")
    fields = (*list_display, "session_id", "query", "executed_sql", "error", "truncated", "request_id", "created_at")


@admin.register(RowRule)
class RowRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """Which rows the members of a group see."""

    list_display = ("table", "group", "predicate")


@admin.register(Example)
class ExampleAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """Questions with verified SQL."""

    list_display = ("database", "question")
