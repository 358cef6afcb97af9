"""The JSON representation of a job, for the API and for webhooks."""

from typing import Any

import orjson

from jobs.models import Job


def described(job: Job, *, has_payload: bool = True) -> dict[str, Any]:
    """Returns the job's JSON members. Without payload, `params` and `result` are null."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "progress": {"percent": job.percent, "message": job.message},
        "params": orjson.Fragment(job.params) if has_payload else None,
        "result": orjson.Fragment(job.result) if has_payload and job.result is not None else None,
        "error": job.error,
        "requested_by": job.requested_by,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }
