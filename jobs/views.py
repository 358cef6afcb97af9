"""The views of a job kind: start, list, read and cancel jobs. `jobs.urls` creates them for each kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import permissions
from accounts.callers import caller_of
from common.idempotency_keys import request_digest
from common.logs import current_request_id
from common.query_params import Readers, cursor, limit, next_link, read_query, refuse_parameters
from common.request_body import read_body
from common.responses import json_response
from jobs import events, queries, submission, transitions
from jobs.kinds import JobKind
from jobs.models import Job
from jobs.queries import JobConflict, JobFilter
from jobs.representation import described

RETRY_SECONDS = 2

AnyRequest = HttpRequest | Request


class KindView(APIView):
    """Base class of the views of one job kind."""

    kind: ClassVar[JobKind]

    def only_of(self, request: Request) -> str | None:
        """Whose jobs the caller sees; None means everybody's."""
        caller = caller_of(request)
        return caller.name if self.kind.is_private and not caller.is_superuser else None


class JobList(KindView):
    """Lists and starts jobs."""

    @property
    def needs(self) -> dict[str, str]:
        """The permission for each method."""
        return dict.fromkeys(("GET", "HEAD"), self.kind.read_permission) | {"POST": self.kind.start_permission}

    def get(self, request: Request) -> HttpResponse:
        """Returns one page of jobs."""
        page = queries.page(
            JobFilter(kind=self.kind.name, requested_by=self.only_of(request), **read_query(request, _READERS))
        )
        response = json_response([_shown(job, self.kind, request) for job in page.jobs])
        if page.next:
            response["Link"] = next_link(request, queries.encode_cursor(page.next))
        return response

    def post(self, request: Request) -> HttpResponse:
        """Starts a job."""
        return start(self.kind, request, read_body(request, may_be_empty=True), caller_of(request).name)


class JobDetail(KindView):
    """Returns one job."""

    @property
    def needs(self) -> dict[str, str]:
        """The permission for each method."""
        return dict.fromkeys(("GET", "HEAD"), self.kind.read_permission)

    def get(self, request: Request, job_id: UUID) -> HttpResponse:
        """Returns one job."""
        refuse_parameters(request)
        return _job_response(queries.find(job_id, self.kind.name, self.only_of(request)), self.kind, request)


class JobCancel(KindView):
    """Cancels one job."""

    @property
    def needs(self) -> dict[str, str]:
        """The permission for each method."""
        return {"POST": self.kind.cancel_permission}

    def post(self, request: Request, job_id: UUID) -> HttpResponse:
        """Cancels a queued job, or asks a running job to stop."""
        queries.find(job_id, self.kind.name, self.only_of(request))
        return _job_response(transitions.cancel(job_id), self.kind, request)


class JobEvents(KindView):
    """Follows one job."""

    @property
    def needs(self) -> dict[str, str]:
        """The permission for each method."""
        return dict.fromkeys(("GET", "HEAD"), self.kind.read_permission)

    def get(self, request: Request, job_id: UUID) -> HttpResponseBase:
        """Streams what changes, until the job ends."""
        refuse_parameters(request)
        job = queries.find(job_id, self.kind.name, self.only_of(request))
        if request.method == "HEAD":
            return HttpResponse(content_type=events.MEDIA_TYPE)
        return events.listen(job, lambda found: _shown(found, self.kind, request), request)


def start(kind: JobKind, request: AnyRequest, body: bytes, caller: str) -> HttpResponse:
    """Starts a job. Returns a 202 with the job, its URL, and when to poll first."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    query = request.META.get("QUERY_STRING", "")
    digest = request_digest(request.method or "", request.path, query, body)
    job_request = replace(kind.read(body), digest=digest)
    for permission in kind.extra_permissions(job_request):
        permissions.require(request, permission)
    with locate_conflict(request):
        job = submission.start(kind, job_request, requested_by=caller, request_id=current_request_id.get(), key=key)
    return accepted(request, job)


def accepted(request: AnyRequest, job: Job) -> HttpResponse:
    """The 202 for a job that was started."""
    response = json_response(described(job), status=202)
    response["Location"] = location_of(request, job)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


@contextmanager
def locate_conflict(request: AnyRequest) -> Iterator[None]:
    """Adds the conflicting job's URL to a `JobConflict` as its Location header."""
    try:
        yield
    except JobConflict as exc:
        exc.headers["Location"] = location_of(request, exc.job)
        raise


def location_of(request: AnyRequest, job: Job) -> str:
    """Returns the job's absolute URL."""
    return request.build_absolute_uri(reverse(f"{job.kind}-job", args=[job.id]))


def _shown(job: Job, kind: JobKind, request: Request) -> dict[str, Any]:
    """The job's members, with the payload if it is the caller's own or the caller may see everybody's."""
    caller = caller_of(request)
    return described(job, has_payload=caller.name == job.requested_by or caller.may(kind.payload_permission))


def _job_response(job: Job, kind: JobKind, request: Request) -> HttpResponse:
    response = json_response(_shown(job, kind, request))
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
    "cursor": ("after", cursor(queries.decode_cursor)),
}
