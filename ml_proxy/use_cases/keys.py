"""A caller's own key for a request, so that the same request again finds what the first one led to."""

import re
from datetime import UTC, datetime, timedelta

from ml_proxy.exceptions import BadInput, Fault
from ml_proxy.models import IdempotencyKey, Job

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def check_key(key: str) -> None:
    """Raises `BadInput` for an Idempotency-Key that can't be used."""
    if not _KEY.fullmatch(key):
        raise BadInput(
            "The Idempotency-Key can't be used.",
            faults=[Fault("Idempotency-Key", "must be 1 to 255 visible ASCII characters")],
        )


def forget_old_keys() -> int:
    """Removes predictions' keys past their day, and frees jobs' keys. Gives how many."""
    before = datetime.now(UTC) - KEPT
    jobs = Job.objects.filter(idempotency_key__isnull=False, created_at__lt=before)
    return IdempotencyKey.objects.filter(claimed_at__lt=before).delete()[0] + jobs.update(idempotency_key=None)
