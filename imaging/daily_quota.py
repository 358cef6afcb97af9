"""Counts a provider's calls of a day, so that no more are made than it permits."""

from datetime import date

from django.db.models import F, QuerySet

from common.bulk_insert import insert_new
from imaging.models import DailyQuota


def take(provider: str, day: date, most: int) -> bool:
    """Takes one call of the day's quota; False if it is used up. Of two processes, only one gets the last call.

    The conditional UPDATE is one statement, and the call is counted before it is made.
    """
    insert_new([DailyQuota(provider=provider, day=day)], ["provider", "day"])
    return bool(_of(provider, day).filter(calls__lt=most).update(calls=F("calls") + 1))


def use_up(provider: str, day: date, most: int) -> None:
    """The provider says that the day's quota is used up, for example by another program with the same key."""
    _of(provider, day).filter(calls__lt=most).update(calls=most)


def _of(provider: str, day: date) -> QuerySet[DailyQuota]:
    return DailyQuota.objects.filter(provider=provider, day=day)
