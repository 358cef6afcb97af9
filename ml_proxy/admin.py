"""Read-only admin pages of the log and of feedback."""

from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.callers import caller_of
from attachments.links import links
from common import person_names
from common.admin_base import ReadOnly, Within, payload
from ml_proxy.history import HISTORY, Cursor, people, wanted
from ml_proxy.models import Feedback, InferenceLog
from ml_proxy.records import SOURCE
from ml_proxy.source import INFERENCES

if TYPE_CHECKING:
    Inline = admin.TabularInline[Feedback, InferenceLog]
else:
    Inline = admin.TabularInline


class VerdictInline(Inline):
    """The verdicts on an inference, newest first, for those who may see feedback."""

    model = Feedback
    template = "admin/read_only_inline.html"
    fields = readonly_fields = ("created_at", "verdict", "label", "note", "caller")
    ordering = ("-position",)
    extra = max_num = 0
    can_delete = False
    verbose_name_plural = "verdicts"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False


@admin.register(InferenceLog)
class InferenceLogAdmin(ReadOnly):
    """Lists inferences, newest first."""

    noun = "inference"
    inlines = (VerdictInline,)
    payloads = ("input_data", "output_data")
    ordering = ("-predicted_at", "-id")
    list_display = ("time", "doctor_name", "patient_name", "model_name", "model_version", "latency")
    list_filter = (Within,)
    parameters = (Within.parameter_name,)
    search_fields = ("doctor_name", "patient_name", "id")
    search_help_text = "A doctor's or patient's full name, or an inference id."
    fields = (
        "id",
        "time",
        "doctor_name",
        "patient_name",
        "model_name",
        "model_version",
        "latency",
        "input_json",
        "output_json",
        "file_links",
        "payload_bytes",
        "request_id",
        "caller",
        "created_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[InferenceLog]:
        """The rows that the user may see."""
        return super().get_queryset(request).filter(**INFERENCES.within(caller_of(request).doctors))

    @admin.display(description="predicted at (UTC)")
    def time(self, row: InferenceLog) -> str:
        """Formatted to the millisecond."""
        return row.predicted_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

    @admin.display(description="latency")
    def latency(self, row: InferenceLog) -> str:
        """Formatted with its unit."""
        return f"{row.latency_ms:.1f} ms"

    @admin.display(description="input")
    def input_json(self, row: InferenceLog) -> SafeString:
        """The request's body."""
        return payload(row, "input_data")

    @admin.display(description="output")
    def output_json(self, row: InferenceLog) -> SafeString:
        """The model's answer."""
        return payload(row, "output_data")

    @admin.display(description="files")
    def file_links(self, row: InferenceLog) -> SafeString:
        """A link to each file, with its media type and its size."""
        files = links(SOURCE, {row.pk: row.files})[row.pk] if row.files else []
        described = ((each["url"], each["filename"] or "input", each["content_type"], each["bytes"]) for each in files)
        return format_html_join(SafeString("<br>"), '<a href="{}">{}</a> ({}, {} bytes)', described)

    def read_cursor(self, cursor: str) -> dict[str, Any]:
        """Decodes a cursor; the format is that of history's cursors."""
        position = Cursor.of(cursor)
        return {"predicted_at": position.time, "id": position.id}

    def cursor_of(self, row: InferenceLog) -> str:
        """Encodes a row's position as a history cursor."""
        return Cursor(time=row.predicted_at, id=row.id).opaque()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[InferenceLog], search_term: str
    ) -> tuple[QuerySet[InferenceLog], bool]:
        """Filters by full name or by id."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=self._matching_ids(request, search_term)), False

    def _matching_ids(self, request: HttpRequest, term: str) -> list[UUID]:
        """Returns enough ids for one page. Uses two queries: an OR of doctor and patient would sort all rows."""
        try:
            return [UUID(term.strip())]
        except ValueError:
            pass
        try:
            name = person_names.canonical(term)
        except person_names.BadName:
            return []
        place = self.place_of(request)
        after = Cursor(time=place["predicted_at"], id=place["id"]) if place else None
        since = Within.since(request)
        bounds: dict[str, Any] = {"scope": caller_of(request).doctors, "since": since, "after": after}
        return [
            row_id
            for what in (wanted(doctor=name, **bounds), wanted(patient=name, **bounds))
            for row_id in HISTORY.matching(what).values_list("id", flat=True)[: self.list_per_page + 1]
        ]


@admin.register(Feedback)
class FeedbackAdmin(ReadOnly):
    """Lists doctors' verdicts; the newest one on an inference counts."""

    ordering = ("-position",)
    list_display = ("created_at", "inference_id", "verdict", "label", "caller", "model_name", "model_version")
    fields = (
        "position",
        "inference_id",
        "verdict",
        "label",
        "note",
        "caller",
        "created_at",
        "model_name",
        "model_version",
        "predicted_at",
    )

    def people(self, rows: Sequence[Feedback], *, is_list: bool) -> list[Any]:
        """The people in the inference. The list shows no names, and does not read the log."""
        return [] if is_list else people([row.inference_id for row in rows])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Feedback]:
        """The verdicts on inferences that the user may see."""
        return super().get_queryset(request).filter(**INFERENCES.within(caller_of(request).doctors, "inference__"))
