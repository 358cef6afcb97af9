"""The log, looked up: whole names, newest first, in pages that arriving rows can't disturb."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from ml_proxy.exceptions import NoSuchRecord
from ml_proxy.keyset import at_least, at_most, below
from ml_proxy.models import InferenceLog

PAGE_BYTES = 8 * 1024 * 1024  # before which a page ends early
ROW_ROOM = 1024  # bytes; what a row takes beside its two texts
MOST_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class Place:
    """A row's place in the log: everything older comes after it."""

    predicted_at: datetime
    id: UUID

    def opaque(self) -> str:
        """As a cursor in a URL."""
        return base64.urlsafe_b64encode(f"{self.predicted_at.isoformat()} {self.id.hex}".encode()).decode().rstrip("=")

    @classmethod
    def of(cls, cursor: str) -> "Place":
        """The place that `opaque` wrote. Raises `ValueError`."""
        try:
            moment, row_id = (
                base64.b64decode(cursor + "=" * (-len(cursor) % 4), "-_", validate=True).decode().split(" ")
            )
        except (binascii.Error, UnicodeError) as exc:
            raise ValueError("not a cursor") from exc
        predicted_at = datetime.fromisoformat(moment)
        if predicted_at.utcoffset() != timedelta():
            raise ValueError("not in UTC")
        return cls(predicted_at=predicted_at, id=UUID(row_id))


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is looked up. Names are canonical; `since` is inclusive, `until` exclusive."""

    doctor: str | None = None
    patient: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    after: Place | None = None


@dataclass(frozen=True)
class Page:
    """Rows, and the place to go on from where there are more."""

    rows: list[InferenceLog]
    next: Place | None


def page(question: Question) -> Page:
    """One page: at most `limit` rows and about `PAGE_BYTES`, and at least one row where there is one.

    Keys and sizes come first, so that no more than the page is ever loaded. The rows are then asked for by their ids:
    a row that arrived in between must neither push another off the page nor make the page larger.
    """
    found = list(matching(question).values_list("predicted_at", "id", "payload_bytes")[: question.limit + 1])
    taken = found[: fitting([size for _, _, size in found[: question.limit]])]
    by_id = InferenceLog.objects.in_bulk([row_id for _, row_id, _ in taken])
    rows = [by_id[row_id] for _, row_id, _ in taken if row_id in by_id]
    if len(taken) == len(found):
        return Page(rows, None)
    predicted_at, row_id, _ = taken[-1]
    return Page(rows, Place(predicted_at=predicted_at, id=row_id))


def one(inference_id: UUID) -> InferenceLog:
    """One inference. Raises `NoSuchRecord`."""
    row = InferenceLog.objects.filter(pk=inference_id).first()
    if row is None:
        raise NoSuchRecord("No inference has this id. A new one appears once its record is written.")
    return row


def matching(question: Question) -> QuerySet[InferenceLog]:
    """All rows from `question.after` on, newest first, as one range of the index over the names that are given."""
    given = {"doctor_name": question.doctor, "patient_name": question.patient}
    names = {column: name for column, name in given.items() if name is not None}
    rows = InferenceLog.objects.order_by(*(f"-{column}" for column in (*names, "predicted_at", "id")))
    since, until, after = question.since, question.until, question.after
    lowest = names if since is None else names | {"predicted_at": since}
    rows = rows.filter(at_least(**lowest)) if lowest else rows
    if after is not None and (until is None or after.predicted_at < until):
        return rows.filter(below(**names, predicted_at=after.predicted_at, id=after.id))
    if until is not None:
        return rows.filter(below(**names, predicted_at=until))
    return rows.filter(at_most(**names)) if names else rows


def fitting(sizes: list[int]) -> int:
    """How many rows of these sizes (bytes of text) a page takes: one at least, where there is one."""
    total = 0
    for count, size in enumerate(sizes):
        total += size + ROW_ROOM
        if total > PAGE_BYTES:
            return max(count, 1)
    return len(sizes)
