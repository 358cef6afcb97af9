"""Retrains: one at a time, whoever starts them. A job's row exists before anything is queued."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.db.models import F, QuerySet

from ml_proxy import courier, strict_json, upstream
from ml_proxy.exceptions import Conflict, NoSuchRecord, ProxyError, Unavailable
from ml_proxy.models import Job
from ml_proxy.upstream import Answer
from ml_proxy.use_cases.bodies import read_object

log = logging.getLogger(__name__)

RETRAIN = "retrain"
ERROR_TEXT = 500  # characters kept of what went wrong


class JobConflict(Conflict):
    """Another retrain is under way, or this job has ended."""

    kind = "job-conflict"

    def __init__(self, detail: str, job: Job) -> None:
        super().__init__(detail)
        self.job = job


def start(body: bytes, *, requested_by: str, request_id: str) -> Job:
    """Makes a job and queues it.

    Raises `BadInput`, `JobConflict` while another runs, or `Unavailable` where Redis does not take it.
    """
    job = _created(_params(body), Job.State.QUEUED, requested_by, request_id)
    with _freeing_the_place(job.id):
        try:
            courier.send(
                courier.RUN_JOB,
                {"job_id": str(job.id)},
                queue=courier.JOBS_QUEUE,
                shown_as=f"job {job.id}",
                task_id=str(job.id),
            )
        except courier.CourierDown as exc:
            raise Unavailable("The queue does not take the job just now. Try again soon.") from exc
    return job


def retrain_now(body: bytes, *, fields: Mapping[str, str], query: str, requested_by: str, request_id: str) -> Answer:
    """Passes a retrain through while its caller waits; it holds the one place like any job.

    Raises `BadInput`, `JobConflict` or an `UpstreamError`.
    """
    job = _created(_params(body), Job.State.RUNNING, requested_by, request_id)
    with _freeing_the_place(job.id):
        answer = upstream.forward(
            "POST",
            "retrain",
            fields=fields,
            query=query,
            body=body,
            total_seconds=settings.RETRAIN_TOTAL_SECONDS,
        )
    with _database_may_fail(job.id):  # the model has been trained all the same
        _end_with(job.id, answer)
    return answer


def run(job_id: UUID) -> str:
    """Runs a queued job to its end and gives its last state; a second delivery of its message changes nothing."""
    mine = Job.objects.filter(pk=job_id, state=Job.State.QUEUED)
    if not mine.update(state=Job.State.RUNNING, started_at=_now(), message="training"):
        log.info("job %s is not queued any more, nothing to do", job_id)
        return str(find(job_id).state)
    job = find(job_id)
    fields = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Idempotency-Key": str(job.id),
    }
    try:
        with _freeing_the_place(job_id):
            answer = upstream.forward(
                "POST",
                "retrain",
                fields={**fields, "X-Request-ID": job.request_id},
                body=job.params.encode(),
                total_seconds=settings.RETRAIN_JOB_SECONDS,
            )
    except ProxyError:
        return str(find(job_id).state)
    return _end_with(job_id, answer)


def cancel(job_id: UUID) -> Job:
    """Cancels a queued job, or asks a running one to stop.

    Raises `NoSuchRecord`, or `JobConflict` once it has ended.
    """
    waiting = Job.objects.filter(pk=job_id, state=Job.State.QUEUED)
    cancelled = Job.State.CANCELLED
    if not waiting.update(state=cancelled, message=cancelled.value, finished_at=_now(), cancel_requested=True):
        running = Job.objects.filter(pk=job_id, state=Job.State.RUNNING)
        if not running.update(cancel_requested=True, message="asked to stop"):
            job = find(job_id)
            raise JobConflict(f"This job has ended: it {job.state}.", job)
    return find(job_id)


def find(job_id: UUID) -> Job:
    """The job. Raises `NoSuchRecord`."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise NoSuchRecord("No job has this id.")
    return job


def newest() -> QuerySet[Job]:
    """All jobs, newest first."""
    return Job.objects.order_by("-id")


def end(job_id: UUID, state: Job.State, *, result: str | None = None, error: str | None = None) -> str:
    """Ends a job that has not ended yet, and gives the state it is in."""
    active = Job.objects.filter(pk=job_id, state__in=Job.ACTIVE)
    active.update(
        state=state,
        result=result,
        error=error and error[:ERROR_TEXT],
        percent=100 if state == Job.State.SUCCEEDED else F("percent"),
        message=state.value,
        finished_at=_now(),
    )
    return str(find(job_id).state)


@contextmanager
def _freeing_the_place(job_id: UUID) -> Iterator[None]:
    """Ends the job as failed where its work raises: it would hold the one place for ever."""
    try:
        yield
    except BaseException as exc:
        said = exc.detail if isinstance(exc, ProxyError) else f"The gateway failed ({type(exc).__name__})."
        with _database_may_fail(job_id):
            end(job_id, Job.State.FAILED, error=said)
        raise


@contextmanager
def _database_may_fail(job_id: UUID) -> Iterator[None]:
    try:
        yield
    except (DatabaseError, InterfaceError) as exc:
        log.error("job %s has ended, and the database does not take that (%s)", job_id, type(exc).__name__)


def _end_with(job_id: UUID, answer: Answer) -> str:
    if not answer.is_success:
        return end(job_id, Job.State.FAILED, error=f"The model server answered {answer.status}: {_said(answer)}")
    try:
        text = strict_json.decode(answer.body)
        strict_json.parse(text)
    except strict_json.NotJSON:
        text = "null"
    return end(job_id, Job.State.SUCCEEDED, result=text)


def _said(answer: Answer) -> str:
    """The beginning of the answer's body, as far as it is text."""
    text = answer.body[: 4 * ERROR_TEXT].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in text)


def _created(params: str, state: Job.State, requested_by: str, request_id: str) -> Job:
    started_at = _now() if state == Job.State.RUNNING else None
    try:
        with transaction.atomic():
            return Job.objects.create(
                kind=RETRAIN,
                state=state,
                params=params,
                requested_by=requested_by,
                request_id=request_id,
                started_at=started_at,
            )
    except IntegrityError:
        other = Job.objects.filter(kind=RETRAIN, state__in=Job.ACTIVE).first()
    if other is None:  # it ended in this very moment
        return _created(params, state, requested_by, request_id)
    raise JobConflict("A retrain is under way, and there is one at a time.", other)


def _params(body: bytes) -> str:
    """The body's text: a JSON object, or nothing for none."""
    return read_object(body)[0] if body else "{}"


def described(job: Job) -> dict[str, Any]:
    """The job as its callers see it."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "progress": {"percent": job.percent, "message": job.message},
        "params": orjson.Fragment(job.params),
        "result": orjson.Fragment(job.result) if job.result is not None else None,
        "error": job.error,
        "requested_by": job.requested_by,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def _now() -> datetime:
    return datetime.now(UTC)
