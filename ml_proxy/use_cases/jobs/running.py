"""Runs jobs: a worker does the queued ones, and whoever waits for a retrain runs its own."""

import logging
import time
from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from ml_proxy import upstream
from ml_proxy.exceptions import ProxyError
from ml_proxy.logs import current_request_id
from ml_proxy.models import Job
from ml_proxy.upstream import Answer
from ml_proxy.use_cases.jobs.ending import CANCELLED, Outcome, end
from ml_proxy.use_cases.jobs.finding import JobConflict, find
from ml_proxy.use_cases.jobs.heart import Heart, Stop, Tell
from ml_proxy.use_cases.jobs.leases import claim, held
from ml_proxy.use_cases.jobs.starting import start_attended
from ml_proxy.use_cases.jobs.training import outcome_of, train

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


def run(job_id: UUID, tell: Tell | None = None) -> str:
    """Runs a queued job to its end and gives its state; a message that comes again changes nothing.

    `tell` hears of the progress, in a thread of its own. Raises `NoSuchRecord`.
    """
    job = claim(job_id)
    if job is None:
        log.info("job %s is not queued any more, nothing to do", job_id)
        return str(find(job_id).state)
    named = current_request_id.set(job.request_id)
    try:
        _run(job, tell)
    finally:
        current_request_id.reset(named)
    return str(find(job_id).state)


def retrain_now(body: bytes, *, fields: Mapping[str, str], query: str, requested_by: str, request_id: str) -> Answer:
    """Passes a retrain through while its caller waits; it holds the one place like any job, and can be cancelled.

    Raises `BadInput`, an `UpstreamError`, or `JobConflict`: another is under way, or this one was cancelled.
    """
    job = start_attended(body, requested_by=requested_by, request_id=request_id)
    with Heart(job) as heart:
        try:
            answer = _passed_through(body, fields, query, heart)
        except BaseException as exc:
            was_stopped = heart.stop is not None
            _end_if_it_can(job, heart, _failed(exc))
            if was_stopped and isinstance(exc, ProxyError):
                raise JobConflict("This retrain was stopped: it was cancelled, or taken for dead.", job) from exc
            raise
        _end_if_it_can(job, heart, outcome_of(answer))  # the model has been trained, whatever the database says
    return answer


def _run(job: Job, tell: Tell | None) -> None:
    with Heart(job, tell) as heart:
        try:
            outcome = train(job, heart)
        except ProxyError as exc:
            outcome = _failed(exc)
        except BaseException as exc:
            _end_surely(job, heart, _failed(exc))
            raise
        _end_surely(job, heart, outcome)


def _passed_through(body: bytes, fields: Mapping[str, str], query: str, heart: Heart) -> Answer:
    with upstream.exchange(
        "retrain",
        fields=fields,
        body=body,
        query=query,
        total_seconds=settings.RETRAIN_TOTAL_SECONDS,
        switch=heart.switch,
    ) as reply:
        return reply.whole()


def _failed(exc: BaseException) -> Outcome:
    said = exc.detail if isinstance(exc, ProxyError) else f"The gateway failed ({type(exc).__name__})."
    return Outcome(Job.State.FAILED, error=said)


def _end_surely(job: Job, heart: Heart, outcome: Outcome) -> None:
    """Ends the job, however long the database is away, for as long as the job is this run's to end."""
    pause = FIRST_PAUSE_SECONDS
    while not _end_if_it_can(job, heart, outcome) and heart.stop is not Stop.VOID:
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _end_if_it_can(job: Job, heart: Heart, outcome: Outcome) -> bool:
    """False where the database does not answer. A training that was cut short was cancelled, whatever came of it."""
    if heart.stop is Stop.CANCELLED and outcome.state != Job.State.SUCCEEDED:
        outcome = CANCELLED
    try:
        if not end(job.id, outcome, **held(job)):
            log.warning("job %s was taken from this run: how it went does not count", job.id)
    except (DatabaseError, InterfaceError) as exc:
        connection.close()
        log.error("job %s: %s, and the database does not take that (%s)", job.id, outcome.state, type(exc).__name__)
        return False
    return True
