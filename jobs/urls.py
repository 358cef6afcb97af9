"""The URL paths of a job kind: `{prefix}`, `{prefix}{id}/` and those below it, with their OpenAPI schemas."""

from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view

from common.query_params import LIMIT_SCHEMA
from common.schemas import KEY_SCHEMA, sent_field
from jobs.events import EVENT_SCHEMA, MEDIA_TYPE
from jobs.kinds import JobKind
from jobs.models import Job
from jobs.serializers import JobSchema
from jobs.views import JobCancel, JobDetail, JobEvents, JobList

KEY = "For 24 hours, a repeat by the same caller with the same key returns the same job in its current state."


def paths(kind: JobKind, prefix: str, body: Any | None, *, has_events: bool = False) -> list[URLPattern]:
    """Returns the kind's paths below `prefix`; `body` is the request's schema for OpenAPI.

    Jobs of a kind without `body` are started elsewhere: the list takes no POST.
    """
    name = kind.name
    events = [path(f"{prefix}<id:job_id>/events/", _events(kind), name=f"{name}-job-events")] if has_events else []
    return [
        path(prefix, _list(kind, body), name=f"{name}-jobs"),
        path(f"{prefix}<id:job_id>/", _detail(kind), name=f"{name}-job"),
        path(f"{prefix}<id:job_id>/cancel/", _cancel(kind), name=f"{name}-job-cancel"),
        *events,
    ]


def _list(kind: JobKind, body: Any) -> Any:
    get_schema = extend_schema(
        operation_id=f"list_{kind.name}_jobs",
        summary="Jobs, newest first",
        description="The Link header, rel=next, has the URL of the next page. An unknown parameter is a 400.",
        parameters=[
            OpenApiParameter("state", str, enum=Job.State.values, description="Only jobs in this state."),
            OpenApiParameter("limit", LIMIT_SCHEMA, description="Jobs per page; a page also ends at 8 MiB."),
            OpenApiParameter("cursor", str, description="An opaque cursor from the Link header."),
            sent_field("Link", "The next page, rel=next, if there is one.", 200),
        ],
        responses=JobSchema(many=True),
    )
    post_schema = extend_schema(
        operation_id=f"start_{kind.name}_job",
        summary=f"Start a {kind.name} in the background",
        request=body,
        parameters=[
            OpenApiParameter("Idempotency-Key", KEY_SCHEMA, OpenApiParameter.HEADER, description=KEY),
            sent_field("Location", "The URL of the job, or of the active job that conflicts.", 202, 409),
            sent_field("Retry-After", "Seconds to wait before the first poll.", 202),
        ],
        responses={
            202: JobSchema,
            409: OpenApiResponse(description="Another job is active."),
            422: OpenApiResponse(description="The Idempotency-Key was used with another path, query or body."),
        },
    )
    view: Any = extend_schema_view(get=get_schema, post=post_schema)(type("JobList", (JobList,), {"kind": kind}))
    return view.as_view(**({"http_method_names": ["get", "head", "options"]} if body is None else {}))


def _detail(kind: JobKind) -> Any:
    schema = extend_schema(operation_id=f"get_{kind.name}_job", summary="One job", responses=JobSchema)
    view: Any = extend_schema_view(get=schema)(type("JobDetail", (JobDetail,), {"kind": kind}))
    return view.as_view()


def _events(kind: JobKind) -> Any:
    schema = extend_schema(
        operation_id=f"follow_{kind.name}_job",
        summary="A job's progress as server-sent events",
        description=(
            "`progress` after each change, then `end` with the whole job, or `unavailable` if the database is away. A "
            "stream ends after JOB_EVENTS_SECONDS; connect again."
        ),
        responses={(200, MEDIA_TYPE): EVENT_SCHEMA},
    )
    view: Any = extend_schema_view(get=schema)(type("JobEvents", (JobEvents,), {"kind": kind}))
    return view.as_view()


def _cancel(kind: JobKind) -> Any:
    schema = extend_schema(
        operation_id=f"cancel_{kind.name}_job",
        summary="Cancel a job",
        request=None,
        responses={200: JobSchema, 409: OpenApiResponse(description="The job has already ended.")},
    )
    view: Any = extend_schema_view(post=schema)(type("JobCancel", (JobCancel,), {"kind": kind}))
    return view.as_view()
