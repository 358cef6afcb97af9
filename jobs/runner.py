"""Runs jobs. A worker runs queued jobs; a synchronous job runs in its caller's process."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from django.db import Error, connection
from django.db.models import F
from django.db.models.functions import Coalesce

from common.exceptions import GatewayError
from common.logs import current_request_id
from jobs import kinds
from jobs.heartbeat import Heartbeat, ProgressCallback, Stop
from jobs.leases import lease_conditions, lease_expiry
from jobs.models import Job
from jobs.queries import JobConflict, find
from jobs.transitions import Outcome, end

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


def run(job_id: UUID, on_progress: ProgressCallback | None = None) -> str:
    """Runs a queued job to its end and returns its state. A redelivered message has no effect.

    `on_progress` is called from the heartbeat's thread. Raises `NoSuchRecord` or `UnknownKind`.
    """
    job = _claim(job_id)
    if job is None:
        log.info("job %s is no longer queued; nothing to do", job_id)
        return str(find(job_id).state)
    token = current_request_id.set(job.request_id)
    try:
        _run(job, on_progress)
    finally:
        current_request_id.reset(token)
    return str(find(job_id).state)


def _claim(job_id: UUID) -> Job | None:
    """Claims a queued job. Returns None if it is not queued or another runner claimed it first.

    Raises `UnknownKind`; the job then stays queued.
    """
    queued = Job.objects.filter(pk=job_id, state=Job.State.QUEUED)
    job = queued.first()
    if job is None:
        return None
    message = kinds.named(job.kind).initial_message
    claimed = queued.filter(attempt=job.attempt).update(
        state=Job.State.RUNNING,
        attempt=job.attempt + 1,
        leased_until=lease_expiry(),
        percent=0,
        message=message,
        started_at=Coalesce(F("started_at"), datetime.now(UTC)),
    )
    job.attempt += 1
    job.message = message
    return job if claimed else None


class SynchronousRun:
    """A job that runs in its caller's process. The caller sets `outcome` once it is known."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self.heartbeat = heartbeat
        self.outcome: Outcome | None = None


@contextmanager
def synchronous_run(job: Job) -> Iterator[SynchronousRun]:
    """Holds the job's lease while the block runs it. Ends the job with the block's outcome, or as failed if it raises.

    Raises `JobConflict` instead of a `GatewayError` if the run was stopped because it was cancelled or taken over.
    """
    with Heartbeat(job) as heartbeat:
        run_state = SynchronousRun(heartbeat)
        try:
            yield run_state
        except BaseException as exc:
            was_stopped = heartbeat.stop is not None
            _end_if_possible(job, _failed(exc))
            if was_stopped and isinstance(exc, GatewayError):
                raise JobConflict(f"This {job.kind} was stopped: it was cancelled or taken over.", job) from exc
            raise
        if run_state.outcome is not None:  # the work is done, even if the database can't store that
            _end_if_possible(job, run_state.outcome)


def _run(job: Job, on_progress: ProgressCallback | None) -> None:
    kind = kinds.named(job.kind)
    with Heartbeat(job, on_progress) as heartbeat:
        try:
            outcome = kind.run(job, heartbeat)
        except GatewayError as exc:
            outcome = _failed(exc)
        except BaseException as exc:
            _end_with_retries(job, heartbeat, _failed(exc))
            raise
        _end_with_retries(job, heartbeat, outcome)


def _failed(exc: BaseException) -> Outcome:
    error = exc.detail if isinstance(exc, GatewayError) else f"The gateway failed ({type(exc).__name__})."
    return Outcome(Job.State.FAILED, error=error)


def _end_with_retries(job: Job, heartbeat: Heartbeat, outcome: Outcome) -> None:
    """Ends the job; retries while the database is unavailable and this run still holds the job."""
    pause = FIRST_PAUSE_SECONDS
    while not _end_if_possible(job, outcome) and heartbeat.stop is not Stop.VOID:
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _end_if_possible(job: Job, outcome: Outcome) -> bool:
    """Ends the job. Returns False if the database is unavailable."""
    try:
        if not end(job.id, outcome, **lease_conditions(job)):
            log.warning("job %s is no longer held by this run; its outcome is discarded", job.id)
    except Error as exc:
        connection.close()
        log.error("job %s %s, but the database can't store that (%s)", job.id, outcome.state, type(exc).__name__)
        return False
    return True
