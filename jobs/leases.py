"""Leases: a runner holds a job by a lease and its attempt's number; runners of earlier attempts cannot write."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from jobs.models import Job


def lease() -> datetime:
    """When a lease that is taken or renewed now runs out."""
    return datetime.now(UTC) + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def held(job: Job) -> dict[str, Any]:
    """The columns by which a runner's updates are conditional: they match only while it holds the job."""
    return {"state": Job.State.RUNNING, "attempt": job.attempt}
