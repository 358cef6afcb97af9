"""Folds heads that nobody changes any more, so that the table of heads only holds those of today."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from common.keyset import walk
from recording import folds
from recording.models import Origin
from recording.origins import Head

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import QuerySet

SIZE = 500  # heads in a fold
ENDED_FOR = timedelta(days=1)
UNCHANGED_FOR = timedelta(days=30)  # without `ended`: of a process that crashed, or whose host is away


def fold_heads(*, size: int = SIZE, ended_for: timedelta = ENDED_FOR, unchanged_for: timedelta = UNCHANGED_FOR) -> int:
    """Folds heads whose seals verify and that are settled from number 1 without gaps. Returns how many.

    One transaction for each full fold. Heads that another transaction has locked are left for the next call. Raises
    Django's database errors.
    """
    now = datetime.now(UTC)
    is_old = Q(ended=True, changed_at__lt=now - ended_for) | Q(changed_at__lt=now - unchanged_for)
    due = Origin.objects.filter(is_old, settled__startswith="1-").exclude(settled__contains=",")
    ids = [row.id for row in walk(due, "id") if Head.of(row).is_genuine]
    return sum(_fold(due, ids[start : start + size]) for start in range(0, len(ids) // size * size, size))


def _fold(due: "QuerySet[Origin]", ids: "list[UUID]") -> int:
    with transaction.atomic():
        locked = due.select_for_update(skip_locked=True).filter(pk__in=ids).order_by("pk")
        rows = [row for row in locked if Head.of(row).is_genuine]
        if rows:
            folds.add(rows)
    return len(rows)
