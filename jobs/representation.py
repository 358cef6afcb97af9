"""The JSON representation of a job, for the API and for webhooks."""

from typing import Any

import orjson

from jobs import kinds
from jobs.models import Job


def described(job: Job, *, has_payload: bool = True) -> dict[str, Any]:
    """Returns the job's JSON members. Without payload, `params` and `result` are null."""
    result = _result(job) if has_payload else None
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "progress": {"percent": job.percent, "message": job.message},
        "params": orjson.Fragment(job.params) if has_payload else None,
        "result": None if result is None else orjson.Fragment(result),
        "error": job.error,
        "requested_by": job.requested_by,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def progress_of(job: Job) -> dict[str, Any]:
    """The members that change while a job runs."""
    return {"id": job.id, "state": job.state, "progress": {"percent": job.percent, "message": job.message}}


def _result(job: Job) -> str | None:
    """The result as the job's kind presents it; as it is stored if the kind is unknown here."""
    try:
        return kinds.named(job.kind).present(job)
    except kinds.UnknownKind:
        return kinds.stored_result(job)
