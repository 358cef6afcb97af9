"""Looks up inferences in the log, newest first, filtered by full names."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from common.row_scope import Scope
from ml_proxy.rows import Row
from ml_proxy.source import INFERENCES
from recording.history import Cursor, History, HistoryFilter, Page, unknown

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from ml_proxy.models import InferenceLog

__all__ = [
    "HISTORY",
    "Cursor",
    "HistoryFilter",
    "Page",
    "one",
    "page",
    "page_of_one",
    "people",
    "require",
    "rows_in",
    "unknown",
    "wanted",
]

HISTORY = History(INFERENCES)


def wanted(
    *,
    scope: Scope,
    doctor: str | None = None,
    patient: str | None = None,
    model: str | None = None,
    verdict: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    after: Cursor | None = None,
) -> HistoryFilter:
    """Returns the filter for a lookup. Names must be canonical; if both are given, both must match.

    A verdict is an inference's newest. A patient with a model or a verdict has no index.
    """
    named = {"doctor": doctor, "patient": patient, "model": model, "verdict": verdict}
    return HISTORY.filter(scope=scope, since=since, until=until, limit=limit, after=after, **named)


def page(query: HistoryFilter) -> Page:
    """Returns one page; see `recording.history.History.page`."""
    return HISTORY.page(query)


def one(inference_id: UUID, scope: Scope) -> Row:
    """Returns one inference. Raises `NoSuchRecord`."""
    row: Row = page_of_one(inference_id, scope).rows[0]
    return row


def page_of_one(inference_id: UUID, scope: Scope) -> Page:
    """Returns a page with one inference. Raises `NoSuchRecord`."""
    return HISTORY.one(inference_id, scope)


def rows_in(scope: Scope) -> "QuerySet[InferenceLog]":
    """The inferences within the scope."""
    return INFERENCES.rows_in(scope)


def require(inference_id: UUID, scope: Scope) -> None:
    """Raises `NoSuchRecord` if the inference does not exist within the scope."""
    HISTORY.require(inference_id, scope)


def people(inference_ids: Collection[UUID]) -> list[Any]:
    """Returns the names in these inferences: objects with `patient_name` and `doctor_name`."""
    rows = INFERENCES.rows.filter(pk__in=inference_ids)
    return list(rows.values_list("patient_name", "doctor_name", named=True))
