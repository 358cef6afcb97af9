"""Leases: a runner holds a job by a lease and its attempt's number; runners of earlier attempts cannot write."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce

from jobs import kinds
from jobs.models import Job


def lease() -> datetime:
    """When a lease that is taken or renewed now runs out."""
    return datetime.now(UTC) + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def held(job: Job) -> dict[str, Any]:
    """The columns by which a runner's updates are conditional: they match only while it holds the job."""
    return {"state": Job.State.RUNNING, "attempt": job.attempt}


def claim(job_id: UUID) -> Job | None:
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
