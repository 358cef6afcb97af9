"""`GET accuracy/`: how often doctors agreed."""

from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts.read_view import ReadView
from common.query_params import Readers, one_of, read_query
from common.responses import json_response
from common.row_scope import scope_of
from ml_proxy.accuracy import PERIODS, FeedbackFilter, accuracy
from ml_proxy.filters import MODEL_FILTERS
from ml_proxy.permissions import READ_FEEDBACK
from ml_proxy.serializers import MODEL_FIELDS, AccuracySchema

_READERS: Readers = {"by": ("by", one_of(PERIODS)), **MODEL_FILTERS}


class AccuracyList(ReadView):
    """Accuracy by model, version and period."""

    needs: ClassVar = {"GET": READ_FEEDBACK, "HEAD": READ_FEEDBACK}

    @extend_schema(
        operation_id="list_accuracy",
        summary="How often doctors agreed, by model version and period",
        description=(
            "Counts the newest verdict on each inference that the caller may see, by prediction time; oldest period "
            "first."
        ),
        parameters=[
            OpenApiParameter("by", {"type": "string", "enum": list(PERIODS), "default": PERIODS[0]}),
            *MODEL_FIELDS,
        ],
        responses=AccuracySchema(many=True),
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """Returns one entry for each version and period that has verdicts."""
        query = read_query(request, _READERS)
        by = query.pop("by", PERIODS[0])
        return json_response(
            [entry._asdict() for entry in accuracy(FeedbackFilter(scope=scope_of(request), **query), by)]
        )
