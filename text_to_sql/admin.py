"""Questions in SQL for people: the logs to read, rules and examples to change."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.callers import caller_of
from common.admin_base import ReadOnly
from text_to_sql.catalogue import catalogue_of
from text_to_sql.exceptions import StatementRefused
from text_to_sql.models import Example, LLMLog, QueryExecutionLog, RowRule


class _Log(ReadOnly):
    """A log."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that the user may see: none if the user sees certain doctors' rows only."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if caller_of(request).doctors is None else rows.none()


@admin.register(QueryExecutionLog)
class QueryExecutionAdmin(_Log):
    """The log of executions."""

    noun = "execution"
    list_display = ("recorded_at", "database_name", "caller", "outcome", "row_count", "duration_ms")
    fields = (*list_display, "session_id", "query", "executed_sql", "error", "truncated", "request_id", "created_at")


@admin.register(LLMLog)
class LLMAdmin(_Log):
    """The log of model calls."""

    noun = "llm"
    list_display = ("recorded_at", "database_name", "caller", "agent", "model", "outcome", "cost", "latency_ms")
    fields = (
        *list_display, "session_id", "prompt_version", "provider", "prompt", "answer", "error", "tokens_in",
        "tokens_out", "request_id", "created_at",
    )  # fmt: skip


@admin.register(RowRule)
class RowRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """Which rows the members of a group see."""

    list_display = ("table", "group", "predicate")


class _ExampleForm(forms.ModelForm):  # type: ignore[type-arg] # not subscriptable at run time
    """One example."""

    def clean(self) -> dict[str, Any]:
        """The values, with an error if the guard refuses the SQL."""
        from text_to_sql.questions import require_allowed  # noqa: PLC0415 - not in every process: 40 MB

        values: dict[str, Any] = super().clean() or {}
        if "database" in values and "sql" in values:
            try:
                require_allowed(values["sql"], catalogue_of(values["database"], None))
            except StatementRefused as exc:
                self.add_error("sql", exc.detail)
        return values


@admin.register(Example)
class ExampleAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """Questions with verified SQL."""

    form = _ExampleForm
    list_display = ("database", "question")
