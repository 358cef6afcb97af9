"""Makes jobs. The database lets one in at a time; a repeat with the same Idempotency-Key finds the job that it made."""

import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from ml_proxy import courier, strict_json
from ml_proxy.exceptions import KeyReused
from ml_proxy.ids import uuid7
from ml_proxy.models import Job
from ml_proxy.use_cases import callbacks
from ml_proxy.use_cases.bodies import read_object
from ml_proxy.use_cases.jobs.finding import JobConflict
from ml_proxy.use_cases.jobs.leases import lease
from ml_proxy.use_cases.jobs.orders import EXAMPLES, Order, read_order
from ml_proxy.use_cases.keys import KEPT, check_key

log = logging.getLogger(__name__)

RETRAIN = "retrain"
SCHEDULE = "schedule"  # who asks where the clock does


def start(order: Order, *, requested_by: str, request_id: str, key: str | None = None) -> Job:
    """Makes a job and queues it; for the same `requested_by`, `key` and order again, gives the job that was made.

    Where Redis does not take its message the job stays queued, and the sweeper sends it as soon as Redis does.
    Raises `BadInput`, `KeyReused`, or `JobConflict` while another is under way.
    """
    if key is not None:
        check_key(key)
    if order.callback_url is not None:
        callbacks.check_url(order.callback_url)
    if key is not None and (known := _job_of(key, requested_by, order)):
        return known
    job_id = uuid7()
    columns = {"id": job_id, "idempotency_key": key, "body_digest": order.digest, "queued_at": datetime.now(UTC)}
    job = _made(order, requested_by=requested_by, request_id=request_id, **columns)
    if job.id == job_id:  # else another request with this key made one a moment ago
        queue(job)
    return job


def start_scheduled() -> UUID | None:
    """Starts the job that the schedule asks for; None where another is under way, which is no error."""
    try:
        job = start(read_order(b""), requested_by=SCHEDULE, request_id=str(uuid7()))
    except JobConflict as exc:
        log.info("the scheduled retrain is left out: job %s is under way", exc.job.id)
        return None
    log.info("job %s is started by the schedule", job.id)
    return job.id


def start_attended(body: bytes, *, requested_by: str, request_id: str) -> Job:
    """A job that runs from now on, in the hands of whoever calls this. Raises `BadInput` or `JobConflict`.

    Its row is shown to many, so it does without the body's examples, which hold inputs.
    """
    params = strict_json.without(read_object(body)[0], EXAMPLES) if body else "{}"
    run = {"state": Job.State.RUNNING, "is_attended": True, "attempt": 1, "message": "training"}
    columns = {**run, "started_at": datetime.now(UTC), "leased_until": lease()}
    return _made(Order(params, None, ""), requested_by=requested_by, request_id=request_id, **columns)


def queue(job: Job) -> None:
    """Sends the job's message; its row says so where Redis does not take it."""
    shown = f"job {job.id}"
    try:
        courier.send(
            courier.RUN_JOB, {"job_id": str(job.id)}, queue=courier.JOBS_QUEUE, shown_as=shown, task_id=str(job.id)
        )
    except courier.CourierDown as exc:
        log.warning("job %s waits for the queue: %s", job.id, exc)
        job.message = "waits for the queue, which does not answer"
        Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(message=job.message)


def _made(order: Order, *, requested_by: str, **columns: Any) -> Job:
    """A new row, or the one that the same key has made meanwhile."""
    try:
        with transaction.atomic():
            job = Job.objects.create(kind=RETRAIN, params=order.params, requested_by=requested_by, **columns)
            if order.callback_url is not None:
                callbacks.promise(job, order.callback_url)
            return job
    except IntegrityError:
        key = columns.get("idempotency_key")
        if key is not None and (known := _job_of(key, requested_by, order)):
            return known
        other = Job.objects.filter(kind=RETRAIN, state__in=Job.ACTIVE).first()
    if other is None:  # it ended in this very moment
        return _made(order, requested_by=requested_by, **columns)
    raise JobConflict("A retrain is under way, and there is one at a time.", other)


def _job_of(key: str, requested_by: str, order: Order) -> Job | None:
    """The job that this caller's key made within its day. Raises `KeyReused`."""
    known = Job.objects.filter(requested_by=requested_by, idempotency_key=key).first()
    if known is None:
        return None
    if known.created_at < datetime.now(UTC) - KEPT:
        Job.objects.filter(pk=known.pk).update(idempotency_key=None)
        return None
    if known.body_digest != order.digest:
        raise KeyReused("This Idempotency-Key came before with another body. Use a new key for a new request.")
    return known
