"""A clinic's opening hours over several days; rows are spread over them."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta, timezone
from itertools import accumulate

CLINIC = timezone(timedelta(hours=9))  # Seoul; no daylight saving time
MORNING = (timedelta(hours=8, minutes=30), timedelta(hours=12, minutes=30))
AFTERNOON = (timedelta(hours=13, minutes=30), timedelta(hours=18))
SATURDAY, SUNDAY = 5, 6


class OpeningHours:
    """The opening hours of a clinic in the `days` before `until`; the whole period if it was never open."""

    def __init__(self, *, days: int, until: datetime) -> None:
        since = until - timedelta(days=days)
        midnight = since.astimezone(CLINIC).replace(hour=0, minute=0, second=0, microsecond=0)
        dates = [midnight + timedelta(days=day) for day in range(days + 1)]
        clipped = [(max(start, since), min(end, until)) for date in dates for start, end in _shifts(date)]
        self._shifts = [(start, end) for start, end in clipped if start < end] or [(since, until)]
        self._ends = list(accumulate((end - start).total_seconds() for start, end in self._shifts))

    def at(self, share: float) -> datetime:
        """Returns the time (in UTC) at which the fraction `share` of the opening hours has passed; 0 <= share < 1."""
        seconds = share * self._ends[-1]
        index = min(bisect_right(self._ends, seconds), len(self._ends) - 1)
        start, end = self._shifts[index]
        offset = seconds - (self._ends[index - 1] if index else 0)
        return min(start + timedelta(seconds=offset), end).astimezone(UTC)


def _shifts(date: datetime) -> list[tuple[datetime, datetime]]:
    hours = [] if date.weekday() == SUNDAY else [MORNING] if date.weekday() == SATURDAY else [MORNING, AFTERNOON]
    return [(date + start, date + end) for start, end in hours]
