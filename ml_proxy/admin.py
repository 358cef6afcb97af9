"""The log, verdicts, jobs and quarantine for people: to read, never to change."""

from collections import Counter
from dataclasses import asdict, replace
from datetime import UTC
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import BinaryField, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from ml_proxy import names
from ml_proxy.browsing import ReadOnly, Within, payload
from ml_proxy.models import InferenceLog, Job, Remnant, Verdict
from ml_proxy.seals import UnknownKey
from ml_proxy.use_cases.history import Place, Question, matching
from ml_proxy.use_cases.quarantine import try_again


@admin.register(InferenceLog)
class InferenceLogAdmin(ReadOnly):
    """The log."""

    payloads = ("input_data", "output_data")
    ordering = ("-predicted_at", "-id")
    list_display = ("time", "doctor_name", "patient_name", "model_name", "model_version", "latency")
    list_filter = (Within,)
    parameters = (Within.parameter_name,)
    search_fields = ("doctor_name", "patient_name", "id")
    search_help_text = "A doctor's or patient's whole name, or an inference's id."
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
        "files",
        "payload_bytes",
        "request_id",
        "caller",
        "created_at",
    )

    @admin.display(description="predicted at (UTC)")
    def time(self, row: InferenceLog) -> str:
        """To the millisecond."""
        return row.predicted_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

    @admin.display(description="latency")
    def latency(self, row: InferenceLog) -> str:
        """With its unit."""
        return f"{row.latency_ms:.1f} ms"

    @admin.display(description="input")
    def input_json(self, row: InferenceLog) -> SafeString:
        """The request's body."""
        return payload(row, "input_data")

    @admin.display(description="output")
    def output_json(self, row: InferenceLog) -> SafeString:
        """The model's answer."""
        return payload(row, "output_data")

    def read_cursor(self, cursor: str) -> dict[str, Any]:
        """As history's cursors."""
        return asdict(Place.of(cursor))

    def cursor_of(self, row: InferenceLog) -> str:
        """As history's cursors."""
        return Place(predicted_at=row.predicted_at, id=row.id).opaque()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[InferenceLog], search_term: str
    ) -> tuple[QuerySet[InferenceLog], bool]:
        """Those with this whole name or id."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=self._found(request, search_term)), False

    def _found(self, request: HttpRequest, term: str) -> list[UUID]:
        """Ids enough for one page. Doctors and patients are asked for apart, for an OR of both would sort all rows."""
        try:
            return [UUID(term.strip())]
        except ValueError:
            pass
        try:
            name = names.canonical(term)
        except names.BadName:
            return []
        place = self.place_of(request)
        about = Question(since=Within.since(request), after=Place(**place) if place else None)
        return [
            row_id
            for question in (replace(about, doctor=name), replace(about, patient=name))
            for row_id in matching(question).values_list("id", flat=True)[: self.list_per_page + 1]
        ]


@admin.register(Verdict)
class VerdictAdmin(ReadOnly):
    """What doctors said; the newest of an inference counts."""

    list_display = ("created_at", "inference_id", "verdict", "label", "caller", "model_name", "model_version")
    fields = (
        "id",
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


@admin.register(Job)
class JobAdmin(ReadOnly):
    """Long runs."""

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

    @admin.display(description="params")
    def params_json(self, row: Job) -> SafeString:
        """The request's body."""
        return payload(row, "params")

    @admin.display(description="result")
    def result_json(self, row: Job) -> SafeString:
        """The model server's answer."""
        return payload(row, "result")


@admin.register(Remnant)
class RemnantAdmin(ReadOnly):
    """What stands for records that are no rows: in quarantine, erased, or repeated."""

    actions = ("try_again",)
    payloads = ("payload",)
    list_display = ("created_at", "kind", "origin", "sequence", "reason")
    fields = ("kind", "origin", "sequence", "reason", "payload_text", "created_at")

    @admin.display(description="payload")
    def payload_text(self, row: Remnant) -> SafeString:
        """A quarantined record's bytes, as text."""
        return payload(row, "payload", BinaryField())

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        """Whoever may change remnants, which is all that they may do with that."""
        return request.user.has_perm("ml_proxy.change_remnant")

    @admin.action(description="Try again to write quarantined records", permissions=["try_again"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Remnant]) -> None:
        """Each on its own: one that is refused again keeps none of the others back."""
        chosen = queryset.filter(kind=Remnant.Kind.QUARANTINED)
        try:
            outcomes = Counter(try_again(remnant) for remnant in chosen.iterator())
        except UnknownKey as exc:
            self.message_user(request, str(exc), messages.ERROR)
            return
        if outcomes[True]:
            self.message_user(request, f"Left quarantine: {outcomes[True]}.", messages.SUCCESS)
        if outcomes[False] or not outcomes:
            self.message_user(
                request, f"Still in quarantine, each with its reason: {outcomes[False]}.", messages.WARNING
            )
