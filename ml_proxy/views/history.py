"""`GET history/` and `GET history/{id}/`."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
from django.http import HttpResponse
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ml_proxy import names
from ml_proxy.models import InferenceLog
from ml_proxy.use_cases import history
from ml_proxy.use_cases.history import Place, Question
from ml_proxy.views import access
from ml_proxy.views.queries import LIMIT_SCHEMA, Readers, cursor, limit, next_link, read_query, refuse_parameters
from ml_proxy.views.rendering import json_response
from ml_proxy.views.schemas import InferenceSchema, sent_field


class History(APIView):
    """The log, newest first."""

    needs: ClassVar = {"GET": access.READ_HISTORY, "HEAD": access.READ_HISTORY}

    @extend_schema(
        operation_id="list_history",
        summary="Look inferences up, newest first",
        description="More pages are named by the Link field, rel=next. An unknown parameter is a 400.",
        parameters=[
            OpenApiParameter("doctor", str, description="Whole name. Blank is as good as none."),
            OpenApiParameter("patient", str, description="Whole name. Where both are given, both must match."),
            OpenApiParameter("since", str, description="ISO 8601, inclusive; UTC where it has no offset."),
            OpenApiParameter("until", str, description="ISO 8601, exclusive; UTC where it has no offset."),
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
    def get(self, request: Request) -> HttpResponse:
        """One page of the log."""
        page = history.page(Question(**read_query(request, _READERS)))
        response = json_response([described(row) for row in page.rows])
        if page.next:
            response["Link"] = next_link(request, page.next.opaque())
        return response


class Inference(APIView):
    """One inference."""

    needs: ClassVar = {"GET": access.READ_HISTORY, "HEAD": access.READ_HISTORY}

    @extend_schema(operation_id="get_inference", summary="One inference", responses=InferenceSchema)
    def get(self, request: Request, inference_id: UUID) -> HttpResponse:
        """One inference."""
        refuse_parameters(request)
        return json_response(described(history.one(inference_id)))


def described(row: InferenceLog) -> dict[str, Any]:
    """The row as its readers see it; both texts are laid in unparsed."""
    return {
        "id": row.id,
        "doctor_name": row.doctor_name,
        "patient_name": row.patient_name,
        "input_data": orjson.Fragment(row.input_data),
        "output_data": orjson.Fragment(row.output_data),
        "created_at": row.created_at,
        "predicted_at": row.predicted_at,
        "latency_ms": row.latency_ms,
        "model_name": row.model_name,
        "model_version": row.model_version,
        "request_id": row.request_id,
        "caller": row.caller,
    }


def _moment(value: str) -> datetime:
    text = value.strip()
    time, _, offset = text.rpartition(" ")
    if ":" in time:  # the blank was an offset's plus sign that nobody escaped
        text = f"{time}+{offset}"
    try:
        day = parse_date(text)
        moment = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001 - set below
        if moment is None:
            raise ValueError
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time in ISO 8601, such as 2026-01-31T09:00:00Z") from None


_READERS: Readers = {
    "doctor": ("doctor", names.canonical),
    "patient": ("patient", names.canonical),
    "since": ("since", _moment),
    "until": ("until", _moment),
    "limit": ("limit", limit),
    "cursor": ("after", cursor(Place.of)),
}
