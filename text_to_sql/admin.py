"""Questions in SQL for people: the log to read, rules and examples to change."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.callers import caller_of
from common.admin_base import ReadOnly
from text_to_sql.models import Example, QueryExecutionLog, RowRule


@admin.register(QueryExecutionLog)
class QueryExecutionAdmin(ReadOnly):
    """The log of executions."""

    noun = "execution"
    list_display = ("recorded_at", "database_name", "caller", "outcome", "row_count", "duration_ms")
    fields = (*list_display, "session_id", "query", "executed_sql", "error", "truncated", "request_id", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[QueryExecutionLog]:
        """The rows that the user may see: none if the user sees certain doctors' rows only."""
        rows: QuerySet[QueryExecutionLog] = super().get_queryset(request)
        return rows if caller_of(request).doctors is None else rows.none()


@admin.register(RowRule)
class RowRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """Which rows the members of a group see."""

    list_display = ("table", "group", "predicate")


@admin.register(Example)
class ExampleAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """Questions with verified SQL."""

    list_display = ("database", "question")
