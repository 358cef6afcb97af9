"""`mlflow/log-prediction/` and `mlflow/runs/{run_id}/`."""

from dataclasses import asdict
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from common import strict_json
from common.exceptions import BadInput, FieldError
from common.json_body import read_object
from common.query_params import refuse_parameters
from common.request_body import read_body
from common.responses import json_response
from common.schemas import sent_field
from integrations.mlflow import on_demand
from integrations.mlflow.serializers import LOG_PREDICTION_BODY, LoggedSchema, RunSchema

RETRY_SECONDS = 5
OFF = OpenApiResponse(description="There is none, or MLFLOW_TRACKING_URI is not set.")


class LogPrediction(APIView):
    """Has one inference logged."""

    @property
    def needs(self) -> dict[str, str]:
        """The permission for each method."""
        return {"POST": on_demand.read_permission()}

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
        on_demand.require_on()
        refuse_parameters(request)
        logged = on_demand.log_prediction(_inference_id(read_body(request)))
        response = json_response({**asdict(logged), "state": logged.state}, status=200 if logged.run_id else 202)
        if logged.run_id:
            response["Location"] = request.build_absolute_uri(reverse("mlflow-run", args=[logged.run_id]))
        else:
            response["Retry-After"] = str(RETRY_SECONDS)
        return response


class Run(APIView):
    """A run."""

    @property
    def needs(self) -> dict[str, str]:
        """The permission for each method."""
        return {method: on_demand.read_permission() for method in ("GET", "HEAD")}

    @extend_schema(
        operation_id="get_mlflow_run",
        summary="A run that was logged from here, as MLflow tells it",
        responses={200: RunSchema, 404: OFF},
    )
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """Parameters, metrics, tags and status."""
        on_demand.require_on()
        refuse_parameters(request)
        return json_response(on_demand.run(run_id))


def _inference_id(body: bytes) -> UUID:
    value = strict_json.member(read_object(body)[1], "inference_id")
    try:
        return UUID(value if type(value) is str else "")  # a number is a str too, of its own class
    except ValueError:
        fault = FieldError("/inference_id", "must be an inference's id, as X-Inference-ID and history have it")
        raise BadInput("The body must name an inference.", field_errors=[fault]) from None
