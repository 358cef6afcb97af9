"""Finds what was lost: a job whose message is nowhere, and one whose runner died."""

import logging
import time
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q

from ml_proxy import courier
from ml_proxy.models import Job
from ml_proxy.use_cases.jobs.ending import CANCELLED, Outcome, end
from ml_proxy.use_cases.jobs.starting import queue

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 2
BEATS = 2  # that a runner gets to renew a lease which ran out while the database was away
NOT_KNOWN = "it is not known whether the model was trained: see its model-info."
UNATTENDED = Outcome(
    Job.State.FAILED, error=f"The process that waited for it died, or could not write how it ended; {NOT_KNOWN}"
)
GIVEN_UP = Outcome(Job.State.FAILED, error=f"Its worker died, and so did the one that ran it once more; {NOT_KNOWN}")


def look_after() -> None:
    """One look at all jobs; any number of processes may take it. Raises Django's database errors."""
    _send_again()
    _take_over()


def _send_again() -> None:
    """A message that comes twice is harmless; while the queue has any, the job's own may be among them."""
    for job in _long_queued():
        if _waiting() == 0:
            seen, job.queued_at = job.queued_at, datetime.now(UTC)
            if Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, queued_at=seen).update(queued_at=job.queued_at):
                log.warning("job %s is sent again: its message is not in the queue", job.id)
                queue(job)


def _long_queued() -> list[Job]:
    before = datetime.now(UTC) - timedelta(seconds=2 * settings.JOB_SWEEP_SECONDS)
    never_sent = Q(queued_at=None, created_at__lt=before)
    return list(Job.objects.filter(Q(queued_at__lt=before) | never_sent, state=Job.State.QUEUED))


def _waiting() -> int | None:
    """How many messages wait for a job's worker; None where Redis does not say."""
    try:
        return courier.waiting(courier.JOBS_QUEUE)
    except courier.CourierDown as exc:
        log.warning("jobs that wait can't be looked after: %s", exc)
        return None


def _take_over() -> None:
    expired = Q(leased_until=None) | Q(leased_until__lt=datetime.now(UTC))
    orphans = list(Job.objects.filter(expired, state=Job.State.RUNNING))
    if orphans:
        time.sleep(BEATS * settings.JOB_HEARTBEAT_SECONDS)
    for job in orphans:
        still = {"state": Job.State.RUNNING, "attempt": job.attempt, "leased_until": job.leased_until}
        if job.cancel_requested or job.is_attended or job.attempt >= MOST_ATTEMPTS:
            outcome = CANCELLED if job.cancel_requested else UNATTENDED if job.is_attended else GIVEN_UP
            if end(job.id, outcome, **still):
                log.error("job %s lost its runner: it %s", job.id, outcome.state)
        elif _back_in_the_queue(job, still):
            log.error("job %s lost its runner, and is run once more", job.id)
            queue(job)


def _back_in_the_queue(job: Job, still: dict[str, object]) -> bool:
    return bool(
        Job.objects.filter(pk=job.pk, **still).update(
            state=Job.State.QUEUED,
            queued_at=datetime.now(UTC),
            leased_until=None,
            message="its worker died; it is run once more",
        )
    )
