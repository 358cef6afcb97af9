"""Jobs: start one, list them, see one, cancel one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ml_proxy.logs import current_request_id
from ml_proxy.models import Job
from ml_proxy.use_cases import jobs
from ml_proxy.use_cases.job_description import described
from ml_proxy.use_cases.jobs import finding
from ml_proxy.views import access
from ml_proxy.views.parsing import read_body
from ml_proxy.views.queries import LIMIT_SCHEMA, Readers, cursor, limit, next_link, read_query, refuse_parameters
from ml_proxy.views.rendering import json_response
from ml_proxy.views.schemas import JOB_BODY, JobSchema, sent_field

RETRY_SECONDS = 2
KEY = "The same caller, key and body get the same job again for 24 hours, as it is by then."

Wire = HttpRequest | Request


class JobList(APIView):
    """`retrain/jobs/`."""

    needs: ClassVar = {"GET": access.READ_JOBS, "HEAD": access.READ_JOBS, "POST": access.RETRAIN}

    @extend_schema(
        operation_id="list_jobs",
        summary="Jobs, newest first",
        description="More pages are named by the Link field, rel=next. An unknown parameter is a 400.",
        parameters=[
            OpenApiParameter("state", str, enum=Job.State.values, description="Only jobs in this state."),
            OpenApiParameter("limit", LIMIT_SCHEMA, description="Jobs of a page, which also ends at 8 MiB."),
            OpenApiParameter("cursor", str, description="Opaque, from the Link field."),
            sent_field("Link", "The next page, rel=next, where there is more.", 200),
        ],
        responses=JobSchema(many=True),
    )
    def get(self, request: Request) -> HttpResponse:
        """One page of jobs."""
        page = finding.page(finding.Question(**read_query(request, _READERS)))
        response = json_response([described(job) for job in page.jobs])
        if page.next:
            response["Link"] = next_link(request, finding.opaque(page.next))
        return response

    @extend_schema(
        operation_id="start_job",
        summary="Start a retrain in the background",
        description="With verdicts, whose job it is needs the permission to export the data set as well.",
        request=JOB_BODY,
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description=KEY),
            sent_field("Location", "Where the job is, or the one that is under way.", 202, 409),
            sent_field("Retry-After", "When to look first, in seconds.", 202),
        ],
        responses={
            202: JobSchema,
            409: OpenApiResponse(description="Another retrain is under way."),
            422: OpenApiResponse(description="The Idempotency-Key came before with another body."),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Accepts a retrain."""
        return start(request, read_body(request, may_be_empty=True), access.caller_of(request))


class JobDetail(APIView):
    """`retrain/jobs/{id}/`."""

    needs: ClassVar = {"GET": access.READ_JOBS, "HEAD": access.READ_JOBS}

    @extend_schema(operation_id="get_job", summary="One job", responses=JobSchema)
    def get(self, request: Request, job_id: UUID) -> HttpResponse:
        """One job."""
        refuse_parameters(request)
        return _one(jobs.find(job_id))


class JobCancel(APIView):
    """`retrain/jobs/{id}/cancel/`."""

    needs: ClassVar = {"POST": access.CANCEL_JOB}

    @extend_schema(
        operation_id="cancel_job",
        summary="Cancel a job",
        request=None,
        responses={200: JobSchema, 409: OpenApiResponse(description="It has ended.")},
    )
    def post(self, request: Request, job_id: UUID) -> HttpResponse:
        """Cancels, or asks the running job to stop."""
        return _one(jobs.cancel(job_id))


def start(request: Wire, body: bytes, caller: str) -> HttpResponse:
    """202: the job, where it can be watched, and when to look first."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    order = jobs.read_order(body)
    if order.wants_verdicts:
        access.require(request, access.EXPORT_DATASET)
    with naming_the_other(request):
        job = jobs.start(order, requested_by=caller, request_id=current_request_id.get(), key=key)
    response = json_response(described(job), status=202)
    response["Location"] = location_of(request, job)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


@contextmanager
def naming_the_other(request: Wire) -> Iterator[None]:
    """Adds to a `JobConflict` where the job is that holds the place."""
    try:
        yield
    except jobs.JobConflict as exc:
        exc.headers["Location"] = location_of(request, exc.job)
        raise


def location_of(request: Wire, job: Job) -> str:
    """The job's URL."""
    return request.build_absolute_uri(reverse("job", args=[job.id]))


def _one(job: Job) -> HttpResponse:
    response = json_response(described(job))
    if job.state in Job.ACTIVE:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _state(value: str) -> Job.State:
    try:
        return Job.State(value.strip())
    except ValueError:
        raise ValueError(f"must be one of {', '.join(Job.State.values)}") from None


_READERS: Readers = {
    "state": ("state", _state),
    "limit": ("limit", limit),
    "cursor": ("after", cursor(finding.place_of)),
}
