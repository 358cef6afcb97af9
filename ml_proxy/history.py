"""The log of inferences, looked up by whole names, newest first."""

from datetime import datetime
from uuid import UUID

from ml_proxy.rows import Row
from ml_proxy.source import INFERENCES
from recording.history import Cursor, History, HistoryFilter, Page, unknown

__all__ = ["HISTORY", "Cursor", "HistoryFilter", "Page", "one", "page", "page_of_one", "require", "unknown", "wanted"]

HISTORY = History(INFERENCES)


def wanted(
    *,
    doctor: str | None = None,
    patient: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    after: Cursor | None = None,
) -> HistoryFilter:
    """What is looked up. Names are canonical; where both are given both must match."""
    names = {"doctor_name": doctor, "patient_name": patient}
    equal = {column: name for column, name in names.items() if name is not None}
    return HistoryFilter(equal=equal, since=since, until=until, limit=limit, after=after)


def page(what: HistoryFilter) -> Page:
    """One page: see `recording.history.History.page`."""
    return HISTORY.page(what)


def one(inference_id: UUID) -> Row:
    """One inference. Raises `NoSuchRecord`."""
    found: Row = page_of_one(inference_id).rows[0]
    return found


def page_of_one(inference_id: UUID) -> Page:
    """A page of one inference. Raises `NoSuchRecord`."""
    return HISTORY.one(inference_id)


def require(inference_id: UUID) -> None:
    """Raises `NoSuchRecord` where there is no such inference."""
    HISTORY.require(inference_id)
