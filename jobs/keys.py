"""Idempotency keys of jobs: a repeated request returns the job that the first request created."""

from datetime import UTC, datetime

from common.idempotency_keys import KEPT
from jobs.models import Job


def free_expired() -> int:
    """Clears expired keys. Returns how many."""
    before = datetime.now(UTC) - KEPT
    return Job.objects.filter(idempotency_key__isnull=False, created_at__lt=before).update(idempotency_key=None)
