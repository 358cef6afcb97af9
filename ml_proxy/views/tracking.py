"""`mlflow/log-prediction/` and `mlflow/runs/{run_id}/`."""

from dataclasses import asdict
from typing import ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ml_proxy import strict_json
from ml_proxy.exceptions import BadInput, Fault
from ml_proxy.use_cases.bodies import read_object
from ml_proxy.use_cases.tracking import asking
from ml_proxy.views.access import READ_HISTORY
from ml_proxy.views.parsing import read_body
from ml_proxy.views.plain import PlainRead
from ml_proxy.views.queries import refuse_parameters
from ml_proxy.views.rendering import json_response
from ml_proxy.views.schemas import LOG_PREDICTION_BODY, LoggedSchema, RunSchema, sent_field

RETRY_SECONDS = 5
OFF = OpenApiResponse(description="There is none, or MLFLOW_TRACKING_URI is not set.")


class LogPrediction(APIView):
    """Has one inference logged."""

    needs: ClassVar = {"POST": READ_HISTORY}

    @extend_schema(
        operation_id="log_prediction",
        summary="Have an inference logged to MLflow as a run of its own",
        description="All inferences are logged, many to a run. Again, the same inference gets the same run.",
        request=LOG_PREDICTION_BODY,
        parameters=[
            sent_field("Location", "Where the run is.", 200),
            sent_field("Retry-After", "When to ask again, in seconds.", 202),
        ],
        responses={200: LoggedSchema, 202: LoggedSchema, 404: OFF},
    )
    def post(self, request: Request) -> HttpResponse:
        """200 with its run, or 202 while it is queued."""
        asking.require_on()
        refuse_parameters(request)
        logged = asking.log_prediction(_inference_id(read_body(request)))
        response = json_response({**asdict(logged), "state": logged.state}, status=200 if logged.run_id else 202)
        if logged.run_id:
            response["Location"] = request.build_absolute_uri(reverse("mlflow-run", args=[logged.run_id]))
        else:
            response["Retry-After"] = str(RETRY_SECONDS)
        return response


class Run(PlainRead):
    """A run."""

    permission = READ_HISTORY

    @extend_schema(
        operation_id="get_mlflow_run",
        summary="A run that was logged from here, as MLflow tells it",
        responses={200: RunSchema, 404: OFF},
    )
    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Parameters, metrics, tags and status."""
        asking.require_on()
        refuse_parameters(request)
        return json_response(asking.run(run_id))


def _inference_id(body: bytes) -> UUID:
    value = strict_json.member(read_object(body)[1], "inference_id")
    try:
        return UUID(value if type(value) is str else "")  # a number is a str too, of its own class
    except ValueError:
        fault = Fault("/inference_id", "must be an inference's id, as X-Inference-ID and history have it")
        raise BadInput("The body must name an inference.", faults=[fault]) from None
