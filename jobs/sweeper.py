"""Recovers jobs whose message was lost and jobs whose runner died."""

import logging
import time
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q

from common import broker
from jobs import kinds
from jobs.kinds import JobKind
from jobs.models import Job
from jobs.submission import queue
from jobs.transitions import CANCELLED, Outcome, end

log = logging.getLogger(__name__)

GRACE_BEATS = 2  # heartbeats in which a runner may still renew a lease that expired during a database outage
CALLER_DIED = "The process that waited for the job died, or could not store its outcome"
GIVEN_UP = "The job's worker died on each attempt"


def sweep() -> None:
    """Checks all active jobs once. Several processes may do so at the same time. Raises Django's database errors."""
    _resend_lost()
    _recover_orphans()


def _resend_lost() -> None:
    """Resends messages, but only to an empty queue: otherwise the job's message may still be in it.

    Duplicate messages are harmless.
    """
    for job in filter(_is_known, _long_queued()):
        if _queue_length(kinds.named(job.kind).queue) == 0:
            seen, job.queued_at = job.queued_at, datetime.now(UTC)
            if Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, queued_at=seen).update(queued_at=job.queued_at):
                log.warning("job %s is sent again: its message is not in the queue", job.id)
                queue(job)


def _long_queued() -> list[Job]:
    before = datetime.now(UTC) - timedelta(seconds=2 * settings.JOB_SWEEP_SECONDS)
    never_sent = Q(queued_at=None, created_at__lt=before)
    return list(Job.objects.filter(Q(queued_at__lt=before) | never_sent, state=Job.State.QUEUED))


def _queue_length(queue_name: str) -> int | None:
    """Returns how many messages are in the queue, or None if Redis is unavailable."""
    try:
        return broker.waiting(queue_name)
    except broker.BrokerUnavailable as exc:
        log.warning("queued jobs can't be checked: %s", exc)
        return None


def _recover_orphans() -> None:
    expired = Q(leased_until=None) | Q(leased_until__lt=datetime.now(UTC))
    orphans = list(Job.objects.filter(expired, state=Job.State.RUNNING))
    if orphans:
        time.sleep(GRACE_BEATS * settings.JOB_HEARTBEAT_SECONDS)
    for job in filter(_is_known, orphans):
        unchanged = {"state": Job.State.RUNNING, "attempt": job.attempt, "leased_until": job.leased_until}
        kind = kinds.named(job.kind)
        if job.cancel_requested or job.is_synchronous or job.attempt >= kind.attempts:
            outcome = _outcome(job, kind)
            if end(job.id, outcome, **unchanged):
                log.error("job %s lost its runner and ended as %s", job.id, outcome.state)
        elif _requeue(job, unchanged):
            log.error("job %s lost its runner and is queued again", job.id)
            queue(job)


def _is_known(job: Job) -> bool:
    """Whether the job's kind is registered here; if not, a worker of another version must recover the job."""
    try:
        kinds.named(job.kind)
    except kinds.UnknownKind:
        log.error("job %s has the kind %s, which is unknown here: upgrade this worker", job.id, job.kind)
        return False
    return True


def _outcome(job: Job, kind: JobKind) -> Outcome:
    """The outcome of a job whose runner died and which is not retried."""
    if job.cancel_requested:
        return CANCELLED
    return Outcome(Job.State.FAILED, error=f"{CALLER_DIED if job.is_synchronous else GIVEN_UP}; {kind.unknown_outcome}")


def _requeue(job: Job, unchanged: dict[str, object]) -> bool:
    return bool(
        Job.objects.filter(pk=job.pk, **unchanged).update(
            state=Job.State.QUEUED,
            queued_at=datetime.now(UTC),
            leased_until=None,
            message="its worker died; queued again",
        )
    )
