"""Read-only admin page of the access log."""

from datetime import UTC
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.access_log.records import AccessRecord
from accounts.access_log.source import ACCESS
from accounts.callers import caller_of
from accounts.models import AccessLog
from common import person_names
from common.admin_base import ReadOnly, payload
from recording.history import Cursor, History

HISTORY = History(ACCESS)


class AccessLogAdmin(ReadOnly):
    """Lists who looked at what, newest first."""

    noun = "access"
    payloads = ("patients", "doctors", "filters")
    ordering = ("-recorded_at", "-id")
    list_display = ("time", "account", "address", "action", "row_count", "purpose", "status", "detail")
    search_fields = ("patients", "doctors", "account")
    search_help_text = "A patient's or doctor's full name, or an account."
    fields = (
        "id",
        "time",
        "account",
        "token_id",
        "address",
        "method",
        "route",
        "action",
        "purpose",
        "row_count",
        "status",
        "detail",
        "filters_json",
        "patients_json",
        "doctors_json",
        "request_id",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessLog]:
        """The entries, if the user may see all doctors' records: an entry may name patients of several doctors."""
        rows = super().get_queryset(request)
        return rows if caller_of(request).doctors is None else rows.none()

    @admin.display(description="time (UTC)")
    def time(self, row: AccessLog) -> str:
        """Formatted to the millisecond."""
        return row.recorded_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

    @admin.display(description="filter")
    def filters_json(self, row: AccessLog) -> SafeString:
        """What was asked for."""
        return payload(row, "filters")

    @admin.display(description="patients")
    def patients_json(self, row: AccessLog) -> SafeString:
        """The names of the patients."""
        return payload(row, "patients")

    @admin.display(description="doctors")
    def doctors_json(self, row: AccessLog) -> SafeString:
        """The names of the doctors."""
        return payload(row, "doctors")

    def read_cursor(self, cursor: str) -> dict[str, Any]:
        """Decodes a cursor; the format is that of history's cursors."""
        position = Cursor.of(cursor)
        return {"recorded_at": position.time, "id": position.id}

    def cursor_of(self, row: AccessLog) -> str:
        """Encodes a row's position as a history cursor."""
        return Cursor(time=row.recorded_at, id=row.id).opaque()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AccessLog], search_term: str
    ) -> tuple[QuerySet[AccessLog], bool]:
        """Filters by a full name or an account."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=self._matching_ids(request, search_term)), False

    def _matching_ids(self, request: HttpRequest, term: str) -> list[UUID]:
        """Returns enough ids for one page, by a query for each kind of name."""
        try:
            name = person_names.canonical(term, AccessRecord.MAX_LENGTHS["account"])
        except person_names.BadName:
            return []
        place, scope = self.place_of(request), caller_of(request).doctors
        after = Cursor(time=place["recorded_at"], id=place["id"]) if place else None
        return [
            row_id
            for kind in ACCESS.filters
            for row_id in HISTORY.matching(
                HISTORY.filter(**{kind: name}, scope=scope, after=after, limit=self.list_per_page)
            ).values_list("id", flat=True)[: self.list_per_page + 1]
        ]
