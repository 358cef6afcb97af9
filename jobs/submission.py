"""Creates jobs. Only one active job may hold a concurrency key; a repeated key or id returns the same job."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from common import broker
from common.exceptions import Conflict
from common.idempotency_keys import KEPT, check_key, refuse_reuse
from common.ids import uuid7
from jobs import kinds
from jobs.kinds import RUN_JOB, JobKind
from jobs.leases import lease_expiry
from jobs.models import Job
from jobs.queries import JobConflict
from jobs.requests import JobRequest
from jobs.webhooks import deliveries

log = logging.getLogger(__name__)

SCHEDULE = "schedule"  # `requested_by` of a job that Celery beat starts
LONGEST_RESEND_WAIT = timedelta(hours=1)


def _nothing(_: Job) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What else belongs to a job's creation; each may raise to prevent it.

    `in_transaction` runs in the transaction that creates the row, `before_message` between that and the message.
    """

    in_transaction: Callable[[Job], None] = _nothing
    before_message: Callable[[Job], None] = _nothing


def start(
    kind: JobKind,
    request: JobRequest,
    *,
    requested_by: str,
    request_id: str,
    key: str | None = None,
    job_id: UUID | None = None,
    steps: Steps = Steps(),
) -> Job:
    """Creates and queues a job. A repeat with the same `requested_by`, request and `key` or `job_id` returns it again.

    If Redis is unavailable, the job stays queued and the sweeper sends its message later.
    Raises `BadInput`, `KeyReused`, or `JobConflict` if another active job holds the concurrency key.
    """
    if key is not None:
        check_key(key)
    if request.callback_url is not None:
        deliveries.check_url(request.callback_url)
    if known := _find(request, requested_by, key, job_id):
        return known
    identity = {"id": job_id or uuid7(), "idempotency_key": key, "request_digest": request.digest}
    try:
        with transaction.atomic():
            job = _insert(
                kind, request, requested_by=requested_by, request_id=request_id, **identity, **queued_columns()
            )
            steps.in_transaction(job)
    except IntegrityError:
        if known := _find(request, requested_by, key, job_id):  # a concurrent request created it
            return known
        _refuse_conflict(kind, request)
        return start(  # the conflicting job has just ended
            kind, request, requested_by=requested_by, request_id=request_id, key=key, job_id=job_id, steps=steps
        )
    try:
        steps.before_message(job)
    except BaseException:
        Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, attempt=0).delete()
        raise
    queue(job)
    return job


def start_scheduled(kind: JobKind) -> Job | None:
    """Starts the scheduled job. Returns None if another one is active, which is not an error."""
    try:
        job = start(kind, kind.read(b""), requested_by=SCHEDULE, request_id=str(uuid7()))
    except JobConflict as exc:
        log.info("the scheduled %s is skipped: job %s is active", kind.name, exc.job.id)
        return None
    log.info("the schedule started job %s", job.id)
    return job


def start_synchronous(kind: JobKind, request: JobRequest, *, requested_by: str, request_id: str) -> Job:
    """Creates a job that runs at once in the caller's process. Raises `JobConflict`."""
    run = {"state": Job.State.RUNNING, "is_synchronous": True, "attempt": 1, "message": kind.initial_message}
    columns = {**run, "started_at": datetime.now(UTC), "leased_until": lease_expiry()}
    while True:
        try:
            with transaction.atomic():
                return _insert(kind, request, requested_by=requested_by, request_id=request_id, **columns)
        except IntegrityError:
            _refuse_conflict(kind, request)


def queued_columns() -> dict[str, Any]:
    """The columns of a job that enters the queue now."""
    now = datetime.now(UTC)
    return {"state": Job.State.QUEUED, "queued_at": now, "resend_at": resend_time(now, now)}


def resend_time(queued_at: datetime, sent_at: datetime) -> datetime:
    """When a message that is sent at `sent_at` counts as lost: when the job will have waited twice as long as now.

    So a job that waits for a worker for long adds few duplicates to the queue: one after two sweeps, then after twice
    the time, and so on, and never more than one an hour.
    """
    first = min(timedelta(seconds=2 * settings.JOB_SWEEP_SECONDS), LONGEST_RESEND_WAIT)
    return sent_at + max(first, min(sent_at - queued_at, LONGEST_RESEND_WAIT))


def queue(job: Job) -> bool:
    """Sends the job's message. Returns False if Redis is unavailable; the row then says so. Raises `UnknownKind`."""
    task_id, queue_name = str(job.id), kinds.named(job.kind).queue
    try:
        broker.send(RUN_JOB, {"job_id": task_id}, queue=queue_name, shown_as=f"job {job.id}", task_id=task_id)
    except broker.BrokerUnavailable as exc:
        log.warning("job %s waits for the queue: %s", job.id, exc)
        job.message = "waiting: the queue is unavailable"
        Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, attempt=job.attempt).update(message=job.message)
        return False
    return True


def _insert(kind: JobKind, request: JobRequest, **columns: Any) -> Job:
    """Inserts the row in the caller's transaction. Raises `IntegrityError`."""
    job = Job.objects.create(
        kind=kind.name, concurrency_key=kind.concurrency_key(request), params=request.params, **columns
    )
    if request.callback_url is not None:
        deliveries.create(job, request.callback_url)
    return job


def _refuse_conflict(kind: JobKind, request: JobRequest) -> None:
    """Raises `JobConflict` if another active job holds the concurrency key."""
    concurrency_key = kind.concurrency_key(request)
    active = Job.objects.filter(concurrency_key=concurrency_key, state__in=Job.ACTIVE)
    if concurrency_key and (other := active.first()):
        raise JobConflict(f"Another {other.kind} is active, and only one may run at a time.", other)


def _find(request: JobRequest, requested_by: str, key: str | None, job_id: UUID | None) -> Job | None:
    """Returns the job that this caller created with this key or id. Raises `KeyReused` or `Conflict`."""
    known = None if job_id is None else _find_by_id(job_id, requested_by, request)
    return known or (None if key is None else _find_by_key(key, requested_by, request))


def _find_by_id(job_id: UUID, requested_by: str, request: JobRequest) -> Job | None:
    known = Job.objects.filter(pk=job_id).first()
    if known is not None and known.requested_by != requested_by:
        raise Conflict("This id belongs to another job: use a new one.")
    if known is not None:
        refuse_reuse(known.request_digest, request.digest)
    return known


def _find_by_key(key: str, requested_by: str, request: JobRequest) -> Job | None:
    """Returns the job that this caller created with this key, unless the key has expired. Raises `KeyReused`."""
    known = Job.objects.filter(requested_by=requested_by, idempotency_key=key).first()
    if known is None:
        return None
    if known.created_at < datetime.now(UTC) - KEPT:
        Job.objects.filter(pk=known.pk).update(idempotency_key=None)
        return None
    refuse_reuse(known.request_digest, request.digest)
    return known
