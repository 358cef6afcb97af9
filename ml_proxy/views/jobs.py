"""Jobs: start one, list them, see one, cancel one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ml_proxy.logs import current_request_id
from ml_proxy.models import Job
from ml_proxy.use_cases import jobs
from ml_proxy.views import access
from ml_proxy.views.parsing import read_json_bytes
from ml_proxy.views.rendering import json_response
from ml_proxy.views.schemas import JOB_BODY, JobSchema, sent_field

LISTED = 100  # jobs
RETRY_SECONDS = 2

Wire = HttpRequest | Request


class JobList(APIView):
    """`retrain/jobs/`."""

    needs: ClassVar = {"GET": access.READ_JOBS, "HEAD": access.READ_JOBS, "POST": access.RETRAIN}

    @extend_schema(operation_id="list_jobs", summary="Jobs, newest first", responses=JobSchema(many=True))
    def get(self, request: Request) -> HttpResponse:
        """The newest jobs."""
        return json_response([jobs.described(job) for job in jobs.newest()[:LISTED]])

    @extend_schema(
        operation_id="start_job",
        summary="Start a retrain in the background",
        request=JOB_BODY,
        parameters=[
            sent_field("Location", "Where the job is, or the one that is under way.", 202, 409),
            sent_field("Retry-After", "When to look first, in seconds.", 202),
        ],
        responses={202: JobSchema, 409: OpenApiResponse(description="Another retrain is under way.")},
    )
    def post(self, request: Request) -> HttpResponse:
        """Accepts a retrain."""
        body = read_json_bytes(request, may_be_empty=True)
        with naming_the_other(request):
            job = jobs.start(body, requested_by=access.caller_of(request), request_id=current_request_id.get())
        return accepted(request, job)


class JobDetail(APIView):
    """`retrain/jobs/{id}/`."""

    needs: ClassVar = {"GET": access.READ_JOBS, "HEAD": access.READ_JOBS}

    @extend_schema(operation_id="get_job", summary="One job", responses=JobSchema)
    def get(self, request: Request, job_id: UUID) -> HttpResponse:
        """One job."""
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


def accepted(request: Wire, job: Job) -> HttpResponse:
    """202: where the job can be watched, and when to look first."""
    response = json_response(jobs.described(job), status=202)
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
    response = json_response(jobs.described(job))
    if job.state in Job.ACTIVE:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response
