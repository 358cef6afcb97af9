"""The views of a record source: history, one row, and export. `recording.urls` creates them for each source."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from common import access
from common.export_formats import DEFAULT, FORMS, form_name
from common.file_response import attachment
from common.query_params import SPAN, Readers, cursor, limit, next_link, read_query, refuse_parameters
from common.responses import json_response
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
        """The query's conditions and the parameters of `readers`. Raises `BadInput`."""
        filters: Readers = {name: (name, each.read) for name, each in self.source.filters.items()}
        return read_query(request, {**filters, **SPAN, **readers})


class SourceHistory(SourceView):
    """The rows, newest first."""

    def get(self, request: Request) -> HttpResponse:
        """One page."""
        query = self.read(request, _PAGE)
        page = self.history.page(self.history.filter(**query))
        access.note_rows(request, f"{self.source.noun}.list", page.rows, query)
        response = json_response([row.described() for row in page.rows])
        if page.next:
            response["Link"] = next_link(request, page.next.opaque())
        return response


class SourceRow(SourceView):
    """One row."""

    def get(self, request: Request, row_id: UUID) -> HttpResponse:
        """One row."""
        refuse_parameters(request)
        rows = self.history.one(row_id).rows
        access.note_rows(request, f"{self.source.noun}.read", rows, {"id": row_id})
        return json_response(rows[0].described())


class SourceExport(SourceView):
    """All rows that match, as one file."""

    def get(self, request: Request) -> StreamingHttpResponse:
        """The file."""
        query = self.read(request, _EXPORT)
        form = FORMS[query.pop("format", DEFAULT)]
        stem = self.source.name.replace(".", "-")
        wanted = self.history.filter(**query)
        action = f"{self.source.noun}.export"
        return attachment(request, stem, form, lambda: self.history.export(wanted, form), action=action, filters=query)


_PAGE: Readers = {"limit": ("limit", limit), "cursor": ("after", cursor(Cursor.of))}
_EXPORT: Readers = {"format": ("format", form_name)}
