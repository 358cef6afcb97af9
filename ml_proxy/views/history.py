"""`GET history/` and `GET history/{id}/`."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts.read_view import ReadView
from attachments.links import links
from common.access import note_rows
from common.query_params import (
    LIMIT_SCHEMA,
    Readers,
    cursor,
    limit,
    next_link,
    refuse_parameters,
)
from common.responses import json_response
from common.row_scope import scope_of
from common.schemas import sent_field
from ml_proxy import history
from ml_proxy.filters import HISTORY_FILTERS, read_history_query
from ml_proxy.history import Cursor, Page, wanted
from ml_proxy.permissions import READ_HISTORY
from ml_proxy.records import SOURCE
from ml_proxy.serializers import FILTER_FIELDS, InferenceSchema


class History(ReadView):
    """Lists inferences, newest first."""

    needs: ClassVar = {"GET": READ_HISTORY, "HEAD": READ_HISTORY}
    rate_limit = "history"

    @extend_schema(
        operation_id="list_history",
        summary="List inferences, newest first",
        description="The Link header, rel=next, has the URL of the next page. An unknown parameter is a 400.",
        parameters=[
            *FILTER_FIELDS,
            OpenApiParameter(
                "limit",
                LIMIT_SCHEMA,
                description="Rows per page; a page also ends at 8 MiB.",
            ),
            OpenApiParameter("cursor", str, description="An opaque cursor from the Link header."),
            sent_field("Link", "The next page, rel=next, if there is one.", 200),
        ],
        responses=InferenceSchema(many=True),
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """Returns one page."""
        query = read_history_query(request, _READERS)
        page = history.page(wanted(scope=scope_of(request), **query))
        note_rows(request, "inference.list", page.rows, query)
        response = json_response(_described(page))
        if page.next:
            response["Link"] = next_link(request, page.next.opaque())
        return response


class Inference(ReadView):
    """Returns one inference."""

    needs: ClassVar = {"GET": READ_HISTORY, "HEAD": READ_HISTORY}
    rate_limit = "history"

    @extend_schema(operation_id="get_inference", summary="One inference", responses=InferenceSchema)
    def get(self, request: HttpRequest, inference_id: UUID) -> HttpResponse:
        """Returns one inference."""
        refuse_parameters(request)
        page = history.page_of_one(inference_id, scope_of(request))
        note_rows(request, "inference.read", page.rows, {"id": inference_id})
        return json_response(_described(page)[0])


def _described(page: Page) -> list[dict[str, Any]]:
    """Returns the rows' JSON members, with links for rows that have files."""
    files = {row_id: column for row_id, (column,) in page.hidden.items()}
    if not files:
        return [row.described() for row in page.rows]
    linked = links(SOURCE, files)
    return [row.described() | ({"files": linked[row.id]} if row.id in linked else {}) for row in page.rows]


_READERS: Readers = {**HISTORY_FILTERS, "limit": ("limit", limit), "cursor": ("after", cursor(Cursor.of))}
