"""The job kind `desk_photo`. Any number of its jobs may run at the same time."""

import json
from typing import Any

from attachments.exceptions import StorageUnavailable
from common.exceptions import BadInput
from imaging.generation import stages
from imaging.permissions import USE_IMAGING
from imaging.services import storage
from jobs.heartbeat import Heartbeat
from jobs.kinds import JobKind
from jobs.models import Job
from jobs.requests import JobRequest
from jobs.stages import Stopped, run_stages
from jobs.transitions import CANCELLED, Outcome

ATTEMPTS_OF_A_STAGE = 3  # workers that may die in each, on average
KEYS = ("initial_key", "processed_key")  # members of a stored result


def run(job: Job, heartbeat: Heartbeat) -> Outcome:
    """Runs the stages that have no output yet. Raises `StageFailed`."""
    attempt = stages.Run(job, heartbeat)
    try:
        outputs = run_stages(job, heartbeat, attempt.stages())
    except Stopped:
        return CANCELLED
    return Outcome(Job.State.SUCCEEDED, result=json.dumps(attempt.result(outputs), ensure_ascii=False))


def present(job: Job) -> str | None:
    """The result with links to its pictures, which are made anew at each reading; null while no link can be made."""
    if job.result is None:
        return None
    stored = json.loads(job.result)
    initial, processed = (_link(stored.pop(key)) for key in KEYS)
    links = {"initial_image_url": stored.pop("initial_image_url") or initial, "processed_image_url": processed}
    return json.dumps(links | stored, ensure_ascii=False)


def kept_keys(job: Job) -> list[str]:
    """The keys of the pictures in the job's result; none without a result."""
    stored: dict[str, Any] = json.loads(job.result) if job.result is not None else {}
    return [stored[key] for key in KEYS if stored.get(key)]


def _link(key: str | None) -> str | None:
    try:
        return storage.link(key) if key else None
    except StorageUnavailable:
        return None


def _refuse(_: bytes) -> JobRequest:
    raise BadInput("Start a job with POST /ai/generated/v1/ or /ai/generated/v2/.")


DESK_PHOTO = JobKind(
    name="desk_photo",
    run=run,
    read=_refuse,
    attempts=ATTEMPTS_OF_A_STAGE * len(stages.NAMES),
    start_permission=USE_IMAGING,
    read_permission=USE_IMAGING,
    cancel_permission=USE_IMAGING,
    is_private=True,
    present=present,
    unknown_outcome="no picture was stored. Its calls of models are in the log.",
)
