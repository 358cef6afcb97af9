"""`/ai/generated/v1/` and `v2/`: a better desk. v1 draws as IMAGE_DRAWER says, v2 asks one's own model server."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import caller_of
from common.caller_presence import is_waiting
from common.query_params import refuse_parameters
from common.request_body import read_body
from common.responses import json_response
from common.schemas import KEY_SCHEMA, sent_field
from imaging import picture_request
from imaging.generation.requests import Wanted, start
from imaging.permissions import USE_IMAGING
from imaging.serializers import ClassifyUpload, GenerateRequest
from jobs import waiting
from jobs.models import Job
from jobs.representation import described
from jobs.serializers import JobSchema
from jobs.urls import KEY
from jobs.views import accepted, location_of

_PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`wait=N` waits up to N seconds, at most 60, for the job's end. It may be ignored if many wait.",
)
_SCHEMA: dict[str, Any] = {
    "request": {"application/json": GenerateRequest, "multipart/form-data": ClassifyUpload},
    "responses": {
        200: OpenApiResponse(JobSchema, description="The job has ended."),
        202: JobSchema,
        422: OpenApiResponse(description="The Idempotency-Key or the id was used with another picture."),
        429: OpenApiResponse(description="The caller's limit of costs for this day is used up; see Retry-After."),
    },
}
_DESCRIPTION = (
    "A job in stages: fetch, classify, describe, draw, store, products. Its result is `{initial_image_url, "
    "processed_image_url, products, description, models, warnings}`; links are made anew at each reading. A picture "
    "without a desk fails in the stage `classify`."
)


class Generated(APIView):
    """Starts jobs."""

    needs: ClassVar = {"POST": USE_IMAGING, "PUT": USE_IMAGING}
    version = "v1"

    def post(self, request: Request) -> HttpResponse:
        """Starts a job."""
        return self._start(request, key=request.META.get("HTTP_IDEMPOTENCY_KEY"))

    def put(self, request: Request, job_id: UUID) -> HttpResponse:
        """Starts a job with this id, or returns it."""
        return self._start(request, job_id=job_id)

    def _start(self, request: Request, *, key: str | None = None, job_id: UUID | None = None) -> HttpResponse:
        refuse_parameters(request)
        body = read_body(request, may_be_form=True)
        asked = picture_request.read(request.META.get("CONTENT_TYPE", ""), body, picture_request.URL)
        wanted = Wanted(asked=asked, version=self.version, caller=caller_of(request).name)
        job = start(wanted, key=key, job_id=job_id)
        seconds = waiting.preferred(request.META.get("HTTP_PREFER", ""))
        has_waited = bool(seconds) and waiting.wait_for_end(job, seconds, is_waiting(request))
        response = _ended(request, job) if job.state not in Job.ACTIVE else accepted(request, job)
        if has_waited:
            response["Preference-Applied"] = f"wait={seconds}"
        return response


def _ended(request: Request, job: Job) -> HttpResponse:
    response = json_response(described(job))
    response["Location"] = location_of(request, job)
    return response


def view(version: str, *, has_id: bool) -> Any:
    """The view of one path, with its OpenAPI schema."""
    located = sent_field("Location", "The job's URL.", 200, 202)
    if has_id:
        put = extend_schema(
            operation_id=f"put_generated_{version}",
            summary="Redraw a desk, under an id of the caller's own",
            description=f"{_DESCRIPTION} A repeat returns the same job.",
            parameters=[_PREFER, located],
            **_SCHEMA,
        )
        methods, described_methods = ["put", "options"], {"put": put}
    else:
        post = extend_schema(
            operation_id=f"start_generated_{version}",
            summary="Redraw a desk",
            description=_DESCRIPTION,
            parameters=[
                _PREFER,
                OpenApiParameter("Idempotency-Key", KEY_SCHEMA, OpenApiParameter.HEADER, description=KEY),
                located,
            ],
            **_SCHEMA,
        )
        methods, described_methods = ["post", "options"], {"post": post}
    made: Any = type("Generated", (Generated,), {"version": version, "http_method_names": methods})
    return extend_schema_view(**described_methods)(made).as_view()
