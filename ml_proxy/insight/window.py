"""The period that a caller asks about, as days of a time zone and as slices of these days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from common.exceptions import BadInput, FieldError
from common.row_scope import Scope

DEFAULT_DAYS, MAX_DAYS = 30, 366
SLICES = 120  # about as many, but at least one for each day


class Slice(NamedTuple):
    """A part of one day; `until` is exclusive."""

    day: str  # ISO 8601, in the window's time zone
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Window:
    """What is looked at: the caller's rows, from `since` (inclusive) to `until` (exclusive)."""

    scope: Scope
    since: datetime
    until: datetime
    zone: ZoneInfo
    model: str | None = None

    def slices(self) -> list[Slice]:
        """All slices, oldest first."""
        days = list(self._days())
        parts = max(SLICES // len(days), 1)
        return [each for day in days for each in _split(day, parts)]

    def _days(self) -> Iterator[Slice]:
        start = self.since
        while start < self.until:
            local = start.astimezone(self.zone)
            midnight = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), self.zone)
            end = min(midnight.astimezone(UTC), self.until)
            yield Slice(local.date().isoformat(), start, end)
            start = end


def window(scope: Scope, query: dict[str, Any]) -> Window:
    """The window of a query. By default it is the last `DEFAULT_DAYS` days in UTC. Raises `BadInput`."""
    zone = query.get("zone") or ZoneInfo("UTC")
    until = query.get("until") or datetime.now(UTC)
    since = query.get("since") or until - timedelta(days=DEFAULT_DAYS)
    if not timedelta() < until - since <= timedelta(days=MAX_DAYS):
        problem = FieldError("since", f"must be before `until`, by at most {MAX_DAYS} days")
        raise BadInput("The query can't be used; nothing was looked up.", field_errors=[problem])
    return Window(scope=scope, since=since, until=until, zone=zone, model=query.get("model"))


def read_zone(value: str) -> ZoneInfo:
    """Reads an IANA time zone. Raises `ValueError`."""
    try:
        return ZoneInfo(value.strip())
    except (ValueError, OSError, KeyError):
        raise ValueError("must be a time zone such as Asia/Seoul") from None


def _split(day: Slice, parts: int) -> Iterator[Slice]:
    step = (day.until - day.since) / parts
    bounds = [day.since + step * number for number in range(parts)] + [day.until]
    for since, until in pairwise(bounds):
        yield Slice(day.day, since, until)
