"""Who runs a job holds it by a lease, and by the number of the attempt: a former runner's word is void."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce

from ml_proxy.models import Job


def lease() -> datetime:
    """Until when whoever takes a job now, or renews, holds it."""
    return datetime.now(UTC) + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def held(job: Job) -> dict[str, Any]:
    """What must still be so of the job's row for its runner's word to count."""
    return {"state": Job.State.RUNNING, "attempt": job.attempt}


def claim(job_id: UUID) -> Job | None:
    """Takes a queued job; None where it is not queued, or another runner got there first."""
    queued = Job.objects.filter(pk=job_id, state=Job.State.QUEUED)
    job = queued.first()
    if job is None:
        return None
    taken = queued.filter(attempt=job.attempt).update(
        state=Job.State.RUNNING,
        attempt=job.attempt + 1,
        leased_until=lease(),
        percent=0,
        message="training",
        started_at=Coalesce(F("started_at"), datetime.now(UTC)),
    )
    job.attempt += 1
    return job if taken else None
