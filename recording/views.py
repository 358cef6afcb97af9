"""The views of a record source: history, one row, and export. `recording.urls` creates them for each source."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from common import access
from common.file_response import FORM_READERS, attachment, take_form
from common.query_params import SPAN, Readers, cursor, limit, next_link, read_query, refuse_parameters
from common.responses import json_response
from common.row_scope import scope_of
from recording.history import Cursor, History
from recording.sources import RecordSource


class SourceView(APIView):
    """Of one source. The default permission class of the settings checks `needs`."""

    source: ClassVar[RecordSource]
    history: ClassVar[History]

    @property
    def needs(self) -> dict[str, str]:
        """The permission for each method."""
        return dict.fromkeys(("GET", "HEAD"), self.source.read_permission)

    def read(self, request: Request, readers: Readers) -> dict[str, Any]:
        """The query's conditions, the parameters of `readers`, and the caller's row scope. Raises `BadInput`."""
        filters: Readers = {name: (name, each.read) for name, each in self.source.filters.items()}
        return read_query(request, {**filters, **SPAN, **readers}) | {"scope": scope_of(request)}


class SourceHistory(SourceView):
    """The rows, newest first."""

    rate_limit = "history"

    def get(self, request: Request) -> HttpResponse:
        """One page."""
        query = self.read(request, _PAGE)
        page = self.history.page(self.history.filter(**query))
        access.note_rows(request, f"{self.source.noun}.list", page.rows, _asked(query))
        response = json_response([row.described() for row in page.rows])
        if page.next:
            response["Link"] = next_link(request, page.next.opaque())
        return response


class SourceRow(SourceView):
    """One row."""

    rate_limit = "history"

    def get(self, request: Request, row_id: UUID) -> HttpResponse:
        """One row."""
        refuse_parameters(request)
        rows = self.history.one(row_id, scope_of(request)).rows
        access.note_rows(request, f"{self.source.noun}.read", rows, {"id": row_id})
        return json_response(rows[0].described())


class SourceExport(SourceView):
    """All rows that match, as one file."""

    rate_limit = "export"

    def get(self, request: Request) -> StreamingHttpResponse:
        """The file."""
        query = self.read(request, FORM_READERS)
        form = take_form(query)
        stem = self.source.name.replace(".", "-")
        wanted = self.history.filter(**query)
        action = f"{self.source.noun}.export"
        return attachment(
            request, stem, form, lambda: self.history.export(wanted, form), action=action, filters=_asked(query)
        )


_PAGE: Readers = {"limit": ("limit", limit), "cursor": ("after", cursor(Cursor.of))}


def _asked(query: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller asked for. The row scope is not asked for."""
    return {name: value for name, value in query.items() if name != "scope"}
