"""Recovers jobs whose message was lost and jobs whose runner died.

The sweeper reads a job, and may write it much later. So each of its UPDATEs repeats the conditions that it read: if a
claim, a cancel, an end or another sweeper came first, it changes nothing.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from jobs import kinds
from jobs.due import due
from jobs.kinds import JobKind
from jobs.leases import LONGEST_LEASE
from jobs.models import Job
from jobs.submission import LONGEST_RESEND_WAIT, queue, queued_columns, resend_time
from jobs.transitions import Outcome, end

log = logging.getLogger(__name__)

GRACE_BEATS = 2  # heartbeats in which a runner may still renew a lease that expired during a database outage
CALLER_DIED = "The process that waited for the job died, or could not store its outcome"
GIVEN_UP = "The job's worker died on each attempt"


def sweep() -> None:
    """Checks all active jobs once. Several processes may do so at the same time. Raises Django's database errors."""
    _resend_lost()
    _recover_orphans()


def _resend_lost() -> None:
    """Sends messages again that no worker has taken in time. Stops if Redis is unavailable.

    A message may also still be in the queue, behind those of other jobs: only its age tells. Whichever message comes
    first starts the job, and the others have no effect.
    """
    overdue = Job.objects.filter(due("resend_at", 2 * LONGEST_RESEND_WAIT), state=Job.State.QUEUED)
    for job, _ in _with_kinds(overdue.only("kind", "attempt", "queued_at", "resend_at").order_by("resend_at")):
        if _postpone_resend(job):
            log.warning("job %s is sent again: no worker has taken its message", job.id)
            if not queue(job):
                break


def _postpone_resend(job: Job) -> bool:
    """Returns False if the job is no longer queued, or another sweeper sends its message."""
    now = datetime.now(UTC)
    unchanged = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, resend_at=job.resend_at)
    columns = {"resend_at": resend_time(job.queued_at or now, now), "message": "waiting for a worker"}
    return bool(unchanged.update(**columns))


def _recover_orphans() -> None:
    expired = Q(leased_until=None) | due("leased_until", 2 * LONGEST_LEASE)
    orphans = list(Job.objects.filter(expired, state=Job.State.RUNNING))
    if orphans:
        time.sleep(GRACE_BEATS * settings.JOB_HEARTBEAT_SECONDS)
    for job, kind in _with_kinds(orphans):
        unchanged = {"state": Job.State.RUNNING, "attempt": job.attempt, "leased_until": job.leased_until}
        if _may_retry(job, kind) and _requeue(job, unchanged):
            log.error("job %s lost its runner and is queued again", job.id)
            queue(job)
        elif state := end(job.id, _failed(job, kind), **unchanged):
            log.error("job %s lost its runner and ended as %s", job.id, state)


def _with_kinds(jobs: Iterable[Job]) -> Iterator[tuple[Job, JobKind]]:
    """Adds each job's kind. Leaves out jobs whose kind is unknown here: a worker of another version recovers them."""
    for job in jobs:
        try:
            yield job, kinds.named(job.kind)
        except kinds.UnknownKind:
            log.error("job %s has the kind %s, which is unknown here: upgrade this worker", job.id, job.kind)


def _may_retry(job: Job, kind: JobKind) -> bool:
    return not job.is_synchronous and job.attempt < kind.attempts


def _failed(job: Job, kind: JobKind) -> Outcome:
    return Outcome(Job.State.FAILED, error=f"{CALLER_DIED if job.is_synchronous else GIVEN_UP}; {kind.unknown_outcome}")


def _requeue(job: Job, unchanged: dict[str, Any]) -> bool:
    """Returns False if the job changed or is to be cancelled."""
    orphan = Job.objects.filter(pk=job.pk, cancel_requested=False, **unchanged)
    return bool(orphan.update(leased_until=None, message="its worker died; queued again", **queued_columns()))
