"""Makes jobs: one active job at a time has a concurrency key; a repeated Idempotency-Key finds the same job."""

import logging
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction

from common import broker
from common.exceptions import KeyReused
from common.idempotency_keys import KEPT, check_key
from common.ids import uuid7
from jobs import kinds
from jobs.kinds import RUN_JOB, JobKind
from jobs.leases import lease
from jobs.models import Job
from jobs.queries import JobConflict
from jobs.requests import JobRequest
from jobs.webhooks import deliveries

log = logging.getLogger(__name__)

SCHEDULE = "schedule"  # who asks for a job that beat starts


def start(kind: JobKind, request: JobRequest, *, requested_by: str, request_id: str, key: str | None = None) -> Job:
    """Makes a job and queues it; for the same `requested_by`, `key` and request again, gives the job that was made.

    Where Redis does not take its message the job stays queued, and the sweeper sends it as soon as Redis does.
    Raises `BadInput`, `KeyReused`, or `JobConflict` while another has its concurrency key.
    """
    if key is not None:
        check_key(key)
    if request.callback_url is not None:
        deliveries.check_url(request.callback_url)
    if key is not None and (known := _job_of(key, requested_by, request)):
        return known
    job_id = uuid7()
    columns = {"id": job_id, "idempotency_key": key, "body_digest": request.digest, "queued_at": datetime.now(UTC)}
    job = _made(kind, request, requested_by=requested_by, request_id=request_id, **columns)
    if job.id == job_id:  # else another request with this key made one a moment ago
        queue(job)
    return job


def start_scheduled(kind: JobKind) -> Job | None:
    """Starts the job that the schedule asks for; None where another is under way, which is no error."""
    try:
        job = start(kind, kind.read(b""), requested_by=SCHEDULE, request_id=str(uuid7()))
    except JobConflict as exc:
        log.info("the scheduled %s is left out: job %s is under way", kind.name, exc.job.id)
        return None
    log.info("job %s is started by the schedule", job.id)
    return job


def start_attended(kind: JobKind, request: JobRequest, *, requested_by: str, request_id: str) -> Job:
    """A job that runs from now on, in the caller's own process. Raises `JobConflict`."""
    run = {"state": Job.State.RUNNING, "is_attended": True, "attempt": 1, "message": kind.begins_as}
    columns = {**run, "started_at": datetime.now(UTC), "leased_until": lease()}
    return _made(kind, request, requested_by=requested_by, request_id=request_id, **columns)


def queue(job: Job) -> None:
    """Sends the job's message; its row says so where Redis does not take it. Raises `UnknownKind`."""
    task_id, to = str(job.id), kinds.named(job.kind).queue
    try:
        broker.send(RUN_JOB, {"job_id": task_id}, queue=to, shown_as=f"job {job.id}", task_id=task_id)
    except broker.BrokerUnavailable as exc:
        log.warning("job %s waits for the queue: %s", job.id, exc)
        job.message = "waits for the queue, which does not answer"
        Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(message=job.message)


def _made(kind: JobKind, request: JobRequest, *, requested_by: str, **columns: Any) -> Job:
    """A new row, or the one that the same key has made meanwhile."""
    held = kind.concurrency_key(request)
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind.name, concurrency_key=held, params=request.params, requested_by=requested_by, **columns
            )
            if request.callback_url is not None:
                deliveries.promise(job, request.callback_url)
            return job
    except IntegrityError:
        key = columns.get("idempotency_key")
        if key is not None and (known := _job_of(key, requested_by, request)):
            return known
        other = Job.objects.filter(concurrency_key=held, state__in=Job.ACTIVE).first() if held else None
    if other is None:  # it ended in this very moment
        return _made(kind, request, requested_by=requested_by, **columns)
    raise JobConflict(f"A {other.kind} is under way, and there is one at a time.", other)


def _job_of(key: str, requested_by: str, request: JobRequest) -> Job | None:
    """The job that this caller's key made within its day. Raises `KeyReused`."""
    known = Job.objects.filter(requested_by=requested_by, idempotency_key=key).first()
    if known is None:
        return None
    if known.created_at < datetime.now(UTC) - KEPT:
        Job.objects.filter(pk=known.pk).update(idempotency_key=None)
        return None
    if known.body_digest != request.digest:
        raise KeyReused("This Idempotency-Key came before with another body. Use a new key for a new request.")
    return known
