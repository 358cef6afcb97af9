"""`GET history/` and `GET history/{id}/`."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from ml_proxy.use_cases import history
from ml_proxy.use_cases.history import Page, Place, Question
from ml_proxy.views.access import READ_HISTORY
from ml_proxy.views.files import links
from ml_proxy.views.plain import PlainRead
from ml_proxy.views.queries import (
    FILTERS,
    LIMIT_SCHEMA,
    Readers,
    cursor,
    limit,
    next_link,
    read_query,
    refuse_parameters,
)
from ml_proxy.views.rendering import json_response
from ml_proxy.views.schemas import FILTER_FIELDS, InferenceSchema, sent_field


class History(PlainRead):
    """The log, newest first."""

    permission = READ_HISTORY

    @extend_schema(
        operation_id="list_history",
        summary="Look inferences up, newest first",
        description="More pages are named by the Link field, rel=next. An unknown parameter is a 400.",
        parameters=[
            *FILTER_FIELDS,
            OpenApiParameter(
                "limit",
                LIMIT_SCHEMA,
                description="Rows of a page, which also ends at 8 MiB.",
            ),
            OpenApiParameter("cursor", str, description="Opaque, from the Link field."),
            sent_field("Link", "The next page, rel=next, where there is more.", 200),
        ],
        responses=InferenceSchema(many=True),
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """One page of the log."""
        page = history.page(Question(**read_query(request, _READERS)))
        response = json_response(_described(page))
        if page.next:
            response["Link"] = next_link(request, page.next.opaque())
        return response


class Inference(PlainRead):
    """One inference."""

    permission = READ_HISTORY

    @extend_schema(operation_id="get_inference", summary="One inference", responses=InferenceSchema)
    def get(self, request: HttpRequest, inference_id: UUID) -> HttpResponse:
        """One inference."""
        refuse_parameters(request)
        return json_response(_described(history.page_of_one(inference_id))[0])


def _described(page: Page) -> list[dict[str, Any]]:
    """The rows; those with files have links to them."""
    if not page.files:
        return [row.described() for row in page.rows]
    found = [(row.described(), page.files.get(row.id)) for row in page.rows]
    return [told | {"files": links(told["id"], files)} if files else told for told, files in found]


_READERS: Readers = {**FILTERS, "limit": ("limit", limit), "cursor": ("after", cursor(Place.of))}
