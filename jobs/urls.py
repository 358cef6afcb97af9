"""The paths of a job kind: `{prefix}`, `{prefix}{id}/` and `{prefix}{id}/cancel/`, described for OpenAPI."""

from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view

from common.query_params import LIMIT_SCHEMA
from common.schemas import sent_field
from jobs.kinds import JobKind
from jobs.models import Job
from jobs.serializers import JobSchema
from jobs.views import JobCancel, JobDetail, JobList

KEY = "The same caller, key and body get the same job again for 24 hours, as it is by then."


def paths(kind: JobKind, prefix: str, body: Any) -> list[URLPattern]:
    """The kind's paths, below `prefix`; `body` is what OpenAPI shows of the request."""
    name = kind.name
    return [
        path(prefix, _list(kind, body), name=f"{name}-jobs"),
        path(f"{prefix}<uuid:job_id>/", _detail(kind), name=f"{name}-job"),
        path(f"{prefix}<uuid:job_id>/cancel/", _cancel(kind), name=f"{name}-job-cancel"),
    ]


def _list(kind: JobKind, body: Any) -> Any:
    listed = extend_schema(
        operation_id=f"list_{kind.name}_jobs",
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
    started = extend_schema(
        operation_id=f"start_{kind.name}_job",
        summary=f"Start a {kind.name} in the background",
        request=body,
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description=KEY),
            sent_field("Location", "Where the job is, or the one that is under way.", 202, 409),
            sent_field("Retry-After", "When to look first, in seconds.", 202),
        ],
        responses={
            202: JobSchema,
            409: OpenApiResponse(description="Another job is under way."),
            422: OpenApiResponse(description="The Idempotency-Key came before with another body."),
        },
    )
    view: Any = extend_schema_view(get=listed, post=started)(type("JobList", (JobList,), {"kind": kind}))
    return view.as_view()


def _detail(kind: JobKind) -> Any:
    shown = extend_schema(operation_id=f"get_{kind.name}_job", summary="One job", responses=JobSchema)
    view: Any = extend_schema_view(get=shown)(type("JobDetail", (JobDetail,), {"kind": kind}))
    return view.as_view()


def _cancel(kind: JobKind) -> Any:
    cancelled = extend_schema(
        operation_id=f"cancel_{kind.name}_job",
        summary="Cancel a job",
        request=None,
        responses={200: JobSchema, 409: OpenApiResponse(description="It has ended.")},
    )
    view: Any = extend_schema_view(post=cancelled)(type("JobCancel", (JobCancel,), {"kind": kind}))
    return view.as_view()
