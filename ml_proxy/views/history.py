"""`GET history/` and `GET history/{id}/`."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes, urlencode
from uuid import UUID

import orjson
from django.http import HttpResponse
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ml_proxy import names
from ml_proxy.exceptions import BadInput, Fault
from ml_proxy.models import InferenceLog
from ml_proxy.use_cases import history
from ml_proxy.use_cases.history import Place, Question
from ml_proxy.views import access
from ml_proxy.views.rendering import json_response
from ml_proxy.views.schemas import InferenceSchema, sent_field

MAX_CURSOR = 200  # characters


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
                {"type": "integer", "minimum": 1, "maximum": history.MOST_ROWS, "default": 100},
                description="Rows of a page, which also ends at 8 MiB.",
            ),
            OpenApiParameter("cursor", str, description="Opaque, from the Link field."),
            sent_field("Link", "The next page, rel=next, where there is more.", 200),
        ],
        responses=InferenceSchema(many=True),
    )
    def get(self, request: Request) -> HttpResponse:
        """One page of the log."""
        _require_utf8(request.META.get("QUERY_STRING", ""))
        page = history.page(read_question(request.GET))
        response = json_response([described(row) for row in page.rows])
        if page.next:
            response["Link"] = f'<{_next_url(request, page.next)}>; rel="next"'
        return response


class Inference(APIView):
    """One inference."""

    needs: ClassVar = {"GET": access.READ_HISTORY, "HEAD": access.READ_HISTORY}

    @extend_schema(operation_id="get_inference", summary="One inference", responses=InferenceSchema)
    def get(self, request: Request, inference_id: UUID) -> HttpResponse:
        """One inference."""
        _refuse_parameters(request.GET)
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


def _require_utf8(query: str) -> None:
    """Django would put a replacement character where a name was sent in another encoding, and find nobody."""
    for pair in query.encode("latin-1").split(b"&"):  # as WSGI carries bytes
        try:
            unquote_to_bytes(pair).decode()
        except UnicodeDecodeError:
            name = pair.partition(b"=")[0].decode("ascii", "replace")[:100]
            raise BadInput("The query can't be read.", faults=[Fault(name, "must be percent-encoded UTF-8")]) from None


def read_question(parameters: Any) -> Question:
    """What a query string asks for. Raises `BadInput` with everything that is wrong with it."""
    faults: list[Fault] = []
    found: dict[str, Any] = {}
    for name, values in parameters.lists():
        try:
            found |= _read(name, values)
        except ValueError as exc:
            faults.append(Fault(name[:100], str(exc)))
    if faults:
        raise BadInput("The query can't be used; nothing was looked up.", faults=faults)
    return Question(**found)


def _read(name: str, values: list[str]) -> dict[str, Any]:
    if name not in _READERS:
        raise ValueError(f"is no parameter of this path; it takes {', '.join(_READERS)}")
    if len(values) != 1:
        raise ValueError("must be given once")
    value = values[0]
    if not value.strip():
        return {}
    field, read = _READERS[name]
    return {field: read(value)}


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


def _limit(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= history.MOST_ROWS and len(value) <= 9):
        raise ValueError(f"must be a whole number from 1 to {history.MOST_ROWS}")
    return int(value)


def _cursor(value: str) -> Place:
    try:
        return Place.of(value[:MAX_CURSOR])
    except ValueError:
        raise ValueError("must be taken from a Link field of this path") from None


_READERS: dict[str, Any] = {
    "doctor": ("doctor", names.canonical),
    "patient": ("patient", names.canonical),
    "since": ("since", _moment),
    "until": ("until", _moment),
    "limit": ("limit", _limit),
    "cursor": ("after", _cursor),
}


def _refuse_parameters(parameters: Any) -> None:
    if parameters:
        raise BadInput(
            "This path takes no parameter.",
            faults=[Fault(name[:100], "is unknown here") for name in parameters],
        )


def _next_url(request: Request, place: Place) -> str:
    asked = {name: value for name, value in request.GET.items() if name != "cursor"}
    return request.build_absolute_uri(f"{request.path}?{urlencode(asked | {'cursor': place.opaque()})}")
