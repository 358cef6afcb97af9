"""`GET access-log/` and `GET access-log/export/`."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts.access_log.formats import FORMS
from accounts.access_log.serializers import AccessSchema
from accounts.access_log.source import ACCESS
from accounts.read_view import ReadView
from common import access
from common.file_response import FORM_READERS, attachment, file_answers, file_fields, take_form
from common.query_params import LIMIT_SCHEMA, SPAN, Readers, cursor, limit, next_link, one_of, read_query
from common.responses import json_response
from common.row_scope import scope_of
from common.schemas import SPAN_FIELDS, sent_field
from recording.history import Cursor, History

HISTORY = History(ACCESS)
FILTER_FIELDS = (
    OpenApiParameter("patient", str, description="The patient's full name."),
    OpenApiParameter("doctor", str, description="The doctor's full name, as in the records that were seen."),
    OpenApiParameter("account", str, description="Who looked: the name of the account."),
    *SPAN_FIELDS,
)
FILTERS: Readers = {**{name: (name, each.read) for name, each in ACCESS.filters.items()}, **SPAN}
_PAGE: Readers = {**FILTERS, "limit": ("limit", limit), "cursor": ("after", cursor(Cursor.of))}
_EXPORT: Readers = {**FILTERS, **FORM_READERS, "format": ("format", one_of(FORMS))}


class AccessLogList(ReadView):
    """Lists who looked at what, newest first."""

    needs: ClassVar = dict.fromkeys(("GET", "HEAD"), ACCESS.read_permission)
    rate_limit = "history"

    @extend_schema(
        operation_id="list_access_log",
        summary="Who looked at what, newest first",
        description=(
            "All given conditions must match. A look at many people makes several entries with one request_id. The "
            "Link header, rel=next, has the URL of the next page. An unknown parameter is a 400."
        ),
        parameters=[
            *FILTER_FIELDS,
            OpenApiParameter("limit", LIMIT_SCHEMA, description="Rows per page; a page also ends at 8 MiB."),
            OpenApiParameter("cursor", str, description="An opaque cursor from the Link header."),
            sent_field("Link", "The next page, rel=next, if there is one.", 200),
        ],
        responses=AccessSchema(many=True),
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """Returns one page."""
        query = read_query(request, _PAGE)
        page = HISTORY.page(HISTORY.filter(scope=scope_of(request), **query))
        note_look(request, "access.list", len(page.rows), query)
        response = json_response([row.described() for row in page.rows])
        if page.next:
            response["Link"] = next_link(request, page.next.opaque())
        return response


class AccessLogExport(ReadView):
    """Exports all entries that match."""

    needs: ClassVar = dict.fromkeys(("GET", "HEAD"), ACCESS.read_permission)
    rate_limit = "export"

    @extend_schema(
        operation_id="export_access_log",
        summary="Export who looked at what, newest first, as one file",
        description=(
            "csv begins with the columns account, time, address, subject, action and reason; bom=1 and safe_cells=1 "
            "are for spreadsheets. fhir is one FHIR R4 AuditEvent per line. A truncated file is not valid."
        ),
        parameters=[
            *file_fields(FORMS),
            *FILTER_FIELDS,
        ],
        responses=file_answers(FORMS),
    )
    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        """Returns the file."""
        query = read_query(request, _EXPORT)
        form = take_form(query, FORMS)
        wanted = HISTORY.filter(scope=scope_of(request), **query)
        return attachment(
            request,
            "access-log",
            form,
            lambda: HISTORY.export(wanted, form),
            action="access.export",
            filters=query,
        )


def note_look(request: Any, action: str, rows: int, query: dict[str, Any]) -> None:
    """Notes a look at the access log itself.

    It concerns whom it asks for, not everybody whom the entries name: a list of lists would grow with each look.
    """
    people = {f"{kind}s": [query[kind]] for kind in ("patient", "doctor") if kind in query}
    access.note(request, action, rows=rows, filters=query, **people)
