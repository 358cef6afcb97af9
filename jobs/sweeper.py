"""Finds what was lost: a job whose message is nowhere, and one whose runner died."""

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

BEATS = 2  # that a runner gets to renew a lease which ran out while the database was away
CALLER_GONE = "The process that waited for it died, or could not write how it ended"
GIVEN_UP = "Its worker died, and so did the one that ran it once more"


def sweep() -> None:
    """One look at all jobs; any number of processes may take it. Raises Django's database errors."""
    _send_again()
    _take_over()


def _send_again() -> None:
    """A message that comes twice is harmless; while the queue has any, the job's own may be among them."""
    for job in filter(_is_known, _long_queued()):
        if _waiting(kinds.named(job.kind).queue) == 0:
            seen, job.queued_at = job.queued_at, datetime.now(UTC)
            if Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, queued_at=seen).update(queued_at=job.queued_at):
                log.warning("job %s is sent again: its message is not in the queue", job.id)
                queue(job)


def _long_queued() -> list[Job]:
    before = datetime.now(UTC) - timedelta(seconds=2 * settings.JOB_SWEEP_SECONDS)
    never_sent = Q(queued_at=None, created_at__lt=before)
    return list(Job.objects.filter(Q(queued_at__lt=before) | never_sent, state=Job.State.QUEUED))


def _waiting(queue_name: str) -> int | None:
    """How many messages wait for a job's worker; None where Redis does not say."""
    try:
        return broker.waiting(queue_name)
    except broker.BrokerUnavailable as exc:
        log.warning("jobs that wait can't be looked after: %s", exc)
        return None


def _take_over() -> None:
    expired = Q(leased_until=None) | Q(leased_until__lt=datetime.now(UTC))
    orphans = list(Job.objects.filter(expired, state=Job.State.RUNNING))
    if orphans:
        time.sleep(BEATS * settings.JOB_HEARTBEAT_SECONDS)
    for job in filter(_is_known, orphans):
        still = {"state": Job.State.RUNNING, "attempt": job.attempt, "leased_until": job.leased_until}
        kind = kinds.named(job.kind)
        if job.cancel_requested or job.is_attended or job.attempt >= kind.attempts:
            outcome = _outcome(job, kind)
            if end(job.id, outcome, **still):
                log.error("job %s lost its runner: it %s", job.id, outcome.state)
        elif _back_in_the_queue(job, still):
            log.error("job %s lost its runner, and is run once more", job.id)
            queue(job)


def _is_known(job: Job) -> bool:
    """Whether its kind is registered here; else a worker of another version has to look after it."""
    try:
        kinds.named(job.kind)
    except kinds.UnknownKind:
        log.error("job %s is of the kind %s, which is unknown here: upgrade this worker", job.id, job.kind)
        return False
    return True


def _outcome(job: Job, kind: JobKind) -> Outcome:
    """How a job ends whose runner is gone, and which is not run again."""
    if job.cancel_requested:
        return CANCELLED
    return Outcome(Job.State.FAILED, error=f"{CALLER_GONE if job.is_attended else GIVEN_UP}; {kind.if_unknown}")


def _back_in_the_queue(job: Job, still: dict[str, object]) -> bool:
    return bool(
        Job.objects.filter(pk=job.pk, **still).update(
            state=Job.State.QUEUED,
            queued_at=datetime.now(UTC),
            leased_until=None,
            message="its worker died; it is run once more",
        )
    )
