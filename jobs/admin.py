"""Admin pages of jobs: read-only, except that a job can be cancelled."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common import access
from common.admin_base import ReadOnly, payload
from jobs import kinds, transitions
from jobs.models import Job
from jobs.queries import JobConflict


@admin.register(Job)
class JobAdmin(ReadOnly):
    """Lists jobs, shows one, and cancels some."""

    actions = ("cancel",)
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

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Whether the user may cancel jobs of some kind; each job's kind is asked for its own permission too."""
        return request.user.has_perm("jobs.change_job")

    @admin.action(description="Cancel the selected jobs", permissions=["cancel"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """Cancels queued jobs, and asks the runners of running ones to stop."""
        for job in jobs:
            level, told = _cancel(request, job)
            self.message_user(request, f"{job.pk}: {told}", level)


def _cancel(request: HttpRequest, job: Job) -> tuple[int, str]:
    """Cancels one job. Returns the level and the text of a message."""
    try:
        permission = kinds.named(job.kind).cancel_permission
    except kinds.UnknownKind as exc:
        return messages.ERROR, str(exc)
    if not request.user.has_perm(permission):
        return messages.ERROR, "you may not cancel jobs of this kind"
    try:
        found = transitions.cancel(job.pk)
    except JobConflict as exc:
        return messages.WARNING, exc.detail
    access.note(request, "job.cancel", rows=1, filters={"id": job.pk})
    return messages.SUCCESS, "cancelled" if found.state == Job.State.CANCELLED else "is being cancelled"
