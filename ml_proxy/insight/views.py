"""`insight/`: what the log says about the models."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts.read_view import ReadView
from common import person_names
from common.access import note_rows
from common.query_params import SPAN, Readers, one_of, read_query
from common.responses import json_response
from common.row_scope import scope_of
from ml_proxy.accuracy import PERIODS, FeedbackFilter
from ml_proxy.filters import MODEL_FILTERS
from ml_proxy.insight import review
from ml_proxy.insight.agreement import agreement
from ml_proxy.insight.drift import drift
from ml_proxy.insight.overview import overview
from ml_proxy.insight.serializers import AgreementSchema, CandidateSchema, DriftSchema, OverviewSchema
from ml_proxy.insight.window import DEFAULT_DAYS, MAX_DAYS, read_zone, window
from ml_proxy.permissions import READ_FEEDBACK, READ_HISTORY
from ml_proxy.serializers import MODEL_FIELDS

_WINDOW: Readers = {"model": ("model", person_names.exact), "timezone": ("zone", read_zone), **SPAN}
_PERIOD = f"Without since or until, the last {DEFAULT_DAYS} days; at most {MAX_DAYS} days."


class Overview(ReadView):
    """Counts, classes, confidence and latency."""

    needs: ClassVar = {"GET": READ_FEEDBACK, "HEAD": READ_FEEDBACK}
    rate_limit = "history"

    @extend_schema(
        operation_id="get_insight_overview",
        summary="Inferences per day, classes over time, confidence and latency",
        description=(
            f"{_PERIOD} Counts of all models' inferences are exact. All else is estimated from a sample of about 5,000 "
            "rows, spread over the period; `is_complete` says that the sample has every row."
        ),
        parameters=[
            *MODEL_FIELDS,
            OpenApiParameter("timezone", str, description="IANA name of the time zone in which a day begins; UTC."),
        ],
        responses=OverviewSchema,
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """Returns one object."""
        return json_response(overview(window(scope_of(request), read_query(request, _WINDOW))))


class Agreement(ReadView):
    """Accuracy by version, with intervals."""

    needs: ClassVar = {"GET": READ_FEEDBACK, "HEAD": READ_FEEDBACK}
    rate_limit = "history"

    @extend_schema(
        operation_id="list_insight_accuracy",
        summary="Accuracy against doctors' verdicts by model version, with 95% Wilson intervals",
        description="Counts as `accuracy/` does: the newest verdict on each inference that the caller may see.",
        parameters=[
            OpenApiParameter("by", {"type": "string", "enum": list(PERIODS), "default": PERIODS[0]}),
            *MODEL_FIELDS,
        ],
        responses=AgreementSchema(many=True),
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """Returns one entry for each version that has verdicts."""
        query = read_query(request, {"by": ("by", one_of(PERIODS)), **MODEL_FILTERS})
        by = query.pop("by", PERIODS[0])
        return json_response(agreement(FeedbackFilter(scope=scope_of(request), **query), by))


class Drift(ReadView):
    """Inputs against the training data."""

    needs: ClassVar = {"GET": READ_FEEDBACK, "HEAD": READ_FEEDBACK}
    rate_limit = "history"

    @extend_schema(
        operation_id="get_insight_drift",
        summary="Whether recent inputs are distributed as the training data was",
        description=(
            f"{_PERIOD} Compares a sample of about 2,000 inputs with `reference` in model-info: a chi-squared test for "
            "each input, corrected by Benjamini and Hochberg. An input has drifted if its q_value is at most 0.01 and "
            "its population stability index (psi) at least 0.1. `reason` says why nothing could be compared."
        ),
        parameters=[*MODEL_FIELDS],
        responses=DriftSchema,
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """Returns one object."""
        return json_response(drift(window(scope_of(request), read_query(request, MODEL_FILTERS))))


class Review(ReadView):
    """The review queue."""

    needs: ClassVar = {"GET": READ_HISTORY, "HEAD": READ_HISTORY}
    rate_limit = "history"

    @extend_schema(
        operation_id="list_insight_review",
        summary="Inferences without a verdict, the least sure and the most drifted first",
        description=(
            f"{_PERIOD} Looks at the newest {review.CANDIDATES} inferences. Uncertainty is 0 for a sure answer, and 1 "
            "for one that is no surer than chance. Drift is the fraction of inputs outside the training data. The "
            "score is the larger of the two."
        ),
        parameters=[
            OpenApiParameter("by", {"type": "string", "enum": list(review.ORDERS), "default": review.ORDERS[0]}),
            OpenApiParameter(
                "limit", {"type": "integer", "minimum": 1, "maximum": review.MAX_LIMIT, "default": review.LIMIT}
            ),
            *MODEL_FIELDS,
        ],
        responses=CandidateSchema(many=True),
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """Returns the front of the queue."""
        query = read_query(request, _REVIEW)
        chosen: dict[str, Any] = {name: query.pop(name) for name in ("by", "limit") if name in query}
        rows = review.queue(window(scope_of(request), query), **chosen)
        note_rows(request, "inference.review", rows, {**query, **chosen})
        return json_response([_described(row) for row in rows])


def _limit(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 3 and 1 <= int(value) <= review.MAX_LIMIT):
        raise ValueError(f"must be a whole number from 1 to {review.MAX_LIMIT}")
    return int(value)


def _described(row: review.Candidate) -> dict[str, Any]:
    return row._asdict()


_REVIEW: Readers = {"by": ("by", one_of(review.ORDERS)), "limit": ("limit", _limit), **MODEL_FILTERS}
