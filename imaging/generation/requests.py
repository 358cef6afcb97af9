"""Creates a job: from a picture by its URL or as a file, once for each id or `Idempotency-Key`."""

import json
from dataclasses import dataclass
from uuid import UUID

from common.idempotency_keys import request_digest
from common.logs import current_request_id
from imaging.generation import costs, files
from imaging.generation.kind import DESK_PHOTO
from imaging.generation.stages import ACCEPTED, CLASSIFY, DRAW, FETCH
from imaging.picture_request import PictureRequest
from imaging.pictures import Picture
from imaging.services import DRAWERS
from imaging.services.desk_classify import Classification
from jobs import stages, submission
from jobs.models import Job
from jobs.requests import JobRequest
from jobs.submission import Steps


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a caller wants: a picture, redrawn by the service of this version.

    `picture` and `classification` are what is known of it already, if anything.
    """

    asked: PictureRequest
    version: str
    caller: str
    picture: Picture | None = None
    classification: Classification | None = None


def start(wanted: Wanted, *, key: str | None = None, job_id: UUID | None = None) -> Job:
    """Creates and queues the job, or returns that of an equal request with the same key or id.

    Raises `PictureRefused`, `BadInput`, `KeyReused`, `Conflict`, `CostLimitReached` or `StorageUnavailable`.
    """
    wanted.asked.check()
    return submission.start(
        DESK_PHOTO,
        _job_request(wanted),
        requested_by=wanted.caller,
        request_id=current_request_id.get(),
        key=key,
        job_id=job_id,
        steps=Steps(
            in_transaction=lambda job: _store(job, wanted),
            before_message=lambda job: _save(job, wanted),
        ),
    )


def _job_request(wanted: Wanted) -> JobRequest:
    asked = wanted.asked
    params = {"image_url": asked.url, "version": wanted.version}
    digest = request_digest("", wanted.version, "", json.dumps(asked.identity).encode())
    return JobRequest(json.dumps(params, ensure_ascii=False), asked.callback_url, digest)


def _store(job: Job, wanted: Wanted) -> None:
    """Reserves the cost, and stores what need not be done again. Each job has at least one output."""
    costs.reserve(job, DRAW, DRAWERS[wanted.version])
    stages.add_output(job, ACCEPTED, {})
    if wanted.picture is not None:
        stages.add_output(job, FETCH, {"key": files.picture_key(job.id, FETCH), "is_upload": wanted.asked.url is None})
    if wanted.classification is not None:
        stages.add_output(job, CLASSIFY, {"found": wanted.classification.described(), "models": []})


def _save(job: Job, wanted: Wanted) -> None:
    """An upload is stored as it came: a worker decodes it, because that takes a fifth of a second."""
    if wanted.picture is not None:
        files.save_picture(job.id, FETCH, wanted.picture)
    elif wanted.asked.url is None:
        files.keep_upload(job.id, wanted.asked.file)
