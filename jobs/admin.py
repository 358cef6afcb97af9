"""Read-only admin pages of jobs."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.admin_base import ReadOnly, payload
from jobs import kinds
from jobs.models import Job


@admin.register(Job)
class JobAdmin(ReadOnly):
    """Lists jobs and shows one."""

    payloads = ("params", "result")
    list_display = ("created_at", "kind", "state", "percent", "message", "requested_by", "started_at", "finished_at")
    fields = (
        "id",
        "kind",
        "state",
        "percent",
        "message",
        "error",
        "params_json",
        "result_json",
        "requested_by",
        "request_id",
        "cancel_requested",
        "created_at",
        "started_at",
        "finished_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Without jobs that only their callers may see."""
        jobs = super().get_queryset(request)
        return jobs if request.user.is_superuser else jobs.exclude(kind__in=kinds.private_names())

    def get_fields(self, request: HttpRequest, obj: Job | None = None) -> Any:
        """Without the payload, for those who may not see it."""
        if request.user.has_perm("jobs.view_payload"):
            return self.fields
        return [name for name in self.fields if name not in {"params_json", "result_json"}]

    @admin.display(description="params")
    def params_json(self, row: Job) -> SafeString:
        """The request's body."""
        return payload(row, "params")

    @admin.display(description="result")
    def result_json(self, row: Job) -> SafeString:
        """The job's result."""
        return payload(row, "result")
