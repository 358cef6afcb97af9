"""Leases: a runner holds a job by a lease and an attempt number; runners of earlier attempts cannot write."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from jobs.models import Job

LONGEST_LEASE = timedelta(hours=1)  # the largest JOB_LEASE_SECONDS


def lease_expiry() -> datetime:
    """When a lease taken or renewed now expires."""
    return datetime.now(UTC) + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def lease_conditions(job: Job) -> dict[str, Any]:
    """Filter conditions for a runner's updates: they match only while the runner holds the job."""
    return {"state": Job.State.RUNNING, "attempt": job.attempt}
