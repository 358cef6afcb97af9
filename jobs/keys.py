"""Idempotency keys of jobs: a repeated request finds the job that the first one made."""

from datetime import UTC, datetime

from common.idempotency_keys import KEPT
from jobs.models import Job


def free_old() -> int:
    """Frees the keys that are past their day. Gives how many."""
    before = datetime.now(UTC) - KEPT
    return Job.objects.filter(idempotency_key__isnull=False, created_at__lt=before).update(idempotency_key=None)
