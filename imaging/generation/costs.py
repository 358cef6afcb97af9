"""What a caller's calls of providers may cost in a day (UTC). Reserved in the database before each call.

The sum and the new row are one transaction under a lock, so calls at the same moment cannot exceed the limit together.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from common import advisory_lock
from imaging.exceptions import AnswersLost, CostLimitReached
from imaging.models import CostReservation
from imaging.services.interface import Kind
from jobs.models import Job

LOCK = 0x636F7374  # advisory lock: one transaction at a time may reserve
MOST_LOST_ANSWERS = 3  # calls of one stage that may have been paid for, and of which no answer arrived
MICRODOLLARS = 1_000_000


def reserve(job: Job, stage: str, kind: Kind[Any, Any]) -> CostReservation | None:
    """Reserves what a call of the chosen service costs at most. None if it is on this machine.

    Raises `CostLimitReached`, or `AnswersLost` after too many calls of this stage whose worker died.
    """
    service: Any = kind.chosen()
    if service.provider == "local":
        return None
    microdollars = service.most_microdollars() if hasattr(service, "most_microdollars") else 0
    now = datetime.now(UTC)
    has_begun = job.attempt > 0  # before that, this is part of the transaction that creates the job
    with transaction.atomic(savepoint=has_begun):
        advisory_lock.hold(LOCK)
        if has_begun:
            _refuse_lost(job, stage)
        _refuse_excess(job.requested_by, microdollars, now)
        return CostReservation.objects.create(
            job=job,
            stage=stage,
            caller=job.requested_by,
            day=now.date(),
            microdollars=microdollars,
        )


def settle(reservation: CostReservation, microdollars: int | None) -> None:
    """Replaces the reserved cost by the real one. If that is unknown (None), the reserved one stays."""
    real = {} if microdollars is None else {"microdollars": microdollars}
    CostReservation.objects.filter(pk=reservation.pk, settled_at=None).update(settled_at=datetime.now(UTC), **real)


def spent(caller: str, day: Any) -> int:
    """What a caller's calls of a day cost, with what is reserved, in millionths of a US dollar."""
    found = CostReservation.objects.filter(caller=caller, day=day).aggregate(total=Sum("microdollars"))
    return found["total"] or 0


def free_unused(job: Job) -> None:
    """Frees what an ended job reserved for calls that it did not make."""
    CostReservation.objects.filter(job=job, started_at=None).delete()


def _refuse_lost(job: Job, stage: str) -> None:
    lost = CostReservation.objects.filter(job=job, stage=stage, started_at__isnull=False, settled_at=None).count()
    if lost >= MOST_LOST_ANSWERS:
        raise AnswersLost(f"The worker died in {lost} calls of the provider, which may have been paid for.")


def _refuse_excess(caller: str, microdollars: int, now: datetime) -> None:
    limit = round(settings.IMAGES_DAILY_COST_LIMIT * MICRODOLLARS)
    if microdollars and spent(caller, now.date()) + microdollars > limit:
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        raise CostLimitReached(
            f"Pictures may cost {settings.IMAGES_DAILY_COST_LIMIT:g} US dollars a day for each caller "
            "(IMAGES_DAILY_COST_LIMIT), and that is used up or reserved. Try again after midnight, UTC.",
            headers={"Retry-After": str(int((midnight - now).total_seconds()) + 1)},
        )
