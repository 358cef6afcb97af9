"""A sample of the log: the newest rows of each slice of a window, and how many rows the slice has.

Answers are encrypted, so the database can't group by their class: each has to be read. The number of rows that are read
does not depend on the size of the log. Each row stands for `weight` rows. Only the counts, which need no row but an
index, grow with the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Case, F, QuerySet, When
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from ml_proxy import history
from ml_proxy.insight.window import Slice, Window

ROWS = 5000  # of a sample, about
MAX_TEXT = 64 * 1024  # characters of a text that is read; a longer one counts as unreadable


class SampledRow(NamedTuple):
    """A row. `text` is None if it is too long."""

    day: str
    weight: float
    model_name: str
    model_version: str
    latency_ms: float
    text: str | None


@dataclass(frozen=True)
class Sample:
    """The rows of the window's model, and the number of rows of each day, which includes other models' rows."""

    rows: list[SampledRow]
    days: dict[str, int]
    is_complete: bool


def short(column: str) -> Case:
    """The text of a column; NULL if it is longer than `MAX_TEXT`."""
    return Case(When(LessThanOrEqual(Length(column), MAX_TEXT), then=F(column)))


def sample(window: Window, text: Case, rows: int = ROWS) -> Sample:
    """Reads at most about `rows` rows, with `text` of each, from as many slices as have rows."""
    slices = window.slices()
    totals = [_matching(window, each).count() for each in slices]
    most = _quota(totals, rows)
    found: list[SampledRow] = []
    days = dict.fromkeys((each.day for each in slices), 0)
    for each, total in zip(slices, totals, strict=True):
        days[each.day] += total
        columns = _read(window, each, text, min(total, most)) if total else []
        found += [SampledRow(each.day, max(total / len(columns), 1.0), *row) for row in columns]
    is_complete = max(totals, default=0) <= most
    return Sample([row for row in found if window.model in {None, row.model_name}], days, is_complete)


def _quota(totals: Sequence[int], rows: int) -> int:
    """The largest number of rows of each slice with which a sample has at most `rows`; at least 1."""
    left, quota = rows, 0
    for position, total in enumerate(ascending := sorted(totals)):
        quota = left // (len(ascending) - position)
        if total > quota:
            return max(quota, 1)
        left -= total
    return max(ascending[-1], quota, 1) if ascending else 1


def _read(window: Window, part: Slice, text: Case, limit: int) -> list[tuple[Any, ...]]:
    """The columns of the newest rows of a slice."""
    return list(_matching(window, part).values_list("model_name", "model_version", "latency_ms", text)[:limit])


def _matching(window: Window, part: Slice) -> QuerySet[Any]:
    return history.HISTORY.matching(history.wanted(scope=window.scope, since=part.since, until=part.until))
