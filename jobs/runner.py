"""Runs jobs: a worker runs the queued ones, and a caller who waits runs its own."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import F
from django.db.models.functions import Coalesce

from common.exceptions import GatewayError
from common.logs import current_request_id
from jobs import kinds
from jobs.heartbeat import Heartbeat, Stop, Tell
from jobs.leases import held, lease
from jobs.models import Job
from jobs.queries import JobConflict, find
from jobs.transitions import CANCELLED, Outcome, end

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


def run(job_id: UUID, tell: Tell | None = None) -> str:
    """Runs a queued job to its end and gives its state; a message that comes again changes nothing.

    `tell` hears of the progress, in a thread of its own. Raises `NoSuchRecord` or `UnknownKind`.
    """
    job = _claim(job_id)
    if job is None:
        log.info("job %s is not queued any more, nothing to do", job_id)
        return str(find(job_id).state)
    named = current_request_id.set(job.request_id)
    try:
        _run(job, tell)
    finally:
        current_request_id.reset(named)
    return str(find(job_id).state)


def _claim(job_id: UUID) -> Job | None:
    """Takes a queued job; None where it is not queued, or another runner got there first.

    Raises `UnknownKind`: then it stays queued.
    """
    queued = Job.objects.filter(pk=job_id, state=Job.State.QUEUED)
    job = queued.first()
    if job is None:
        return None
    message = kinds.named(job.kind).begins_as
    taken = queued.filter(attempt=job.attempt).update(
        state=Job.State.RUNNING,
        attempt=job.attempt + 1,
        leased_until=lease(),
        percent=0,
        message=message,
        started_at=Coalesce(F("started_at"), datetime.now(UTC)),
    )
    job.attempt += 1
    job.message = message
    return job if taken else None


class Attended:
    """A job that its caller runs: the caller names the outcome, once it is known."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self.heartbeat = heartbeat
        self.outcome: Outcome | None = None


@contextmanager
def attended(job: Job) -> Iterator[Attended]:
    """Holds the lease of a job that is run in the block, and ends it as the block says, or failed where it raises.

    Raises `JobConflict` in place of a `GatewayError` where the run was stopped: it was cancelled, or taken over.
    """
    with Heartbeat(job) as heartbeat:
        run_by_caller = Attended(heartbeat)
        try:
            yield run_by_caller
        except BaseException as exc:
            was_stopped = heartbeat.stop is not None
            _end_if_possible(job, heartbeat, _failed(exc))
            if was_stopped and isinstance(exc, GatewayError):
                raise JobConflict(f"This {job.kind} was stopped: it was cancelled, or taken over.", job) from exc
            raise
        if run_by_caller.outcome is not None:  # the work is done, whatever the database says
            _end_if_possible(job, heartbeat, run_by_caller.outcome)


def _run(job: Job, tell: Tell | None) -> None:
    kind = kinds.named(job.kind)
    with Heartbeat(job, tell) as heartbeat:
        try:
            outcome = kind.run(job, heartbeat)
        except GatewayError as exc:
            outcome = _failed(exc)
        except BaseException as exc:
            _end_surely(job, heartbeat, _failed(exc))
            raise
        _end_surely(job, heartbeat, outcome)


def _failed(exc: BaseException) -> Outcome:
    said = exc.detail if isinstance(exc, GatewayError) else f"The gateway failed ({type(exc).__name__})."
    return Outcome(Job.State.FAILED, error=said)


def _end_surely(job: Job, heartbeat: Heartbeat, outcome: Outcome) -> None:
    """Ends the job, however long the database is away, for as long as the job is this run's to end."""
    pause = FIRST_PAUSE_SECONDS
    while not _end_if_possible(job, heartbeat, outcome) and heartbeat.stop is not Stop.VOID:
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _end_if_possible(job: Job, heartbeat: Heartbeat, outcome: Outcome) -> bool:
    """False where the database does not answer. A run that was cut short was cancelled, whatever came of it."""
    if heartbeat.stop is Stop.CANCELLED and outcome.state != Job.State.SUCCEEDED:
        outcome = CANCELLED
    try:
        if not end(job.id, outcome, **held(job)):
            log.warning("job %s was taken from this run: how it went does not count", job.id)
    except (DatabaseError, InterfaceError) as exc:
        connection.close()
        log.error("job %s: %s, and the database does not take that (%s)", job.id, outcome.state, type(exc).__name__)
        return False
    return True
