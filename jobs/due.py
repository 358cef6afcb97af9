"""Due times, which one process writes and another one compares with its own clock."""

from datetime import UTC, datetime, timedelta

from django.db.models import Q


def due(column: str, longest: timedelta) -> Q:
    """Matches rows whose time in `column` has come.

    Also matches a time further ahead than `longest`, which no process writes unless its clock is wrong.
    """
    now = datetime.now(UTC)
    return Q(**{f"{column}__lte": now}) | Q(**{f"{column}__gt": now + longest})
