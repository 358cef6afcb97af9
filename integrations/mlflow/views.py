"""`mlflow/log-prediction/` and `mlflow/runs/{run_id}/`."""

from dataclasses import asdict
from typing import ClassVar
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
from common.row_scope import scope_of
from common.schemas import sent_field
from integrations.mlflow import on_demand
from integrations.mlflow.serializers import LOG_PREDICTION_BODY, LoggedSchema, RunSchema

RETRY_SECONDS = 5
NOT_FOUND = OpenApiResponse(description="It does not exist, or MLFLOW_TRACKING_URI is not set.")


class LogPrediction(APIView):
    """Logs one inference."""

    needs: ClassVar = {"POST": "mlflow.add_mlflowoutbox"}  # it writes there; the answer has nothing of the inference

    @extend_schema(
        operation_id="log_prediction",
        summary="Log an inference to MLflow as a run of its own",
        description="Inferences are logged anyway, many per run. A repeat for the same inference returns the same run.",
        request=LOG_PREDICTION_BODY,
        parameters=[
            sent_field("Location", "The URL of the run.", 200),
            sent_field("Retry-After", "Seconds until the next request.", 202),
        ],
        responses={200: LoggedSchema, 202: LoggedSchema, 404: NOT_FOUND},
    )
    def post(self, request: Request) -> HttpResponse:
        """Returns 200 with the run, or 202 while the inference is queued."""
        on_demand.require_enabled()
        refuse_parameters(request)
        logged = on_demand.log_prediction(_inference_id(read_body(request)), scope_of(request))
        response = json_response({**asdict(logged), "state": logged.state}, status=200 if logged.run_id else 202)
        if logged.run_id:
            response["Location"] = request.build_absolute_uri(reverse("mlflow-run", args=[logged.run_id]))
        else:
            response["Retry-After"] = str(RETRY_SECONDS)
        return response


class Run(APIView):
    """Shows a run."""

    @property
    def needs(self) -> dict[str, str]:
        """The permission for each method."""
        return {method: on_demand.read_permission() for method in ("GET", "HEAD")}

    @extend_schema(
        operation_id="get_mlflow_run",
        summary="A run that this gateway logged, as MLflow returns it",
        responses={200: RunSchema, 404: NOT_FOUND},
    )
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """Returns parameters, metrics, tags and status."""
        on_demand.require_enabled()
        refuse_parameters(request)
        return json_response(on_demand.run(_canonical(run_id), scope_of(request)))


def _canonical(run_id: str) -> str:
    """An id in MLflow's form, if it is a UUID in another one: in upper case, or with hyphens."""
    try:
        return UUID(run_id).hex
    except ValueError:
        return run_id


def _inference_id(body: bytes) -> UUID:
    value = strict_json.member(read_object(body)[1], "inference_id")
    try:
        return UUID(value if type(value) is str else "")  # `strict_json.Number` is a subclass of str
    except ValueError:
        fault = FieldError("/inference_id", "must be an inference's id, as in X-Inference-ID and in history")
        raise BadInput("The body must name an inference.", field_errors=[fault]) from None
