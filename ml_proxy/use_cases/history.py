"""The log, looked up: whole names, newest first, in pages that arriving rows can't disturb."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import BooleanField, F, Func, QuerySet, UUIDField, Value

from ml_proxy.exceptions import NoSuchRecord
from ml_proxy.models import InferenceLog

PAGE_BYTES = 8 * 1024 * 1024  # of both texts, after which a page ends early
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
        place = cls(predicted_at=datetime.fromisoformat(moment), id=UUID(row_id))
        if place.predicted_at.tzinfo is None:
            raise ValueError("a time without offset")
        return place


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
    """One page: at most `limit` rows and about `PAGE_BYTES`, and at least one row where there is one."""
    matching = _matching(question)
    sizes = list(matching.values_list("payload_bytes", flat=True)[: question.limit + 1])
    count = _fitting(sizes[: question.limit])
    rows = list(matching[:count])
    if len(sizes) == count or not rows:
        return Page(rows, None)
    return Page(rows, Place(predicted_at=rows[-1].predicted_at, id=rows[-1].id))


def one(inference_id: UUID) -> InferenceLog:
    """One inference. Raises `NoSuchRecord`."""
    row = InferenceLog.objects.filter(pk=inference_id).first()
    if row is None:
        raise NoSuchRecord("No inference has this id. A new one appears once its record is written.")
    return row


def _matching(question: Question) -> QuerySet[InferenceLog]:
    rows = InferenceLog.objects.order_by("-predicted_at", "-id")
    exact = {
        "doctor_name": question.doctor,
        "patient_name": question.patient,
        "predicted_at__gte": question.since,
        "predicted_at__lt": question.until,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    return rows.filter(_after(question.after)) if question.after else rows


def _after(place: Place) -> Func:
    """`(predicted_at, id) < (x, y)`: one range of the index, where the same with OR would read all before it."""
    row = Func(F("predicted_at"), F("id"), template="(%(expressions)s)")
    than = Func(Value(place.predicted_at), Value(place.id, output_field=UUIDField()), template="(%(expressions)s)")
    return Func(row, than, template="%(expressions)s", arg_joiner=" < ", output_field=BooleanField())


def _fitting(sizes: list[int]) -> int:
    """How many rows of these sizes a page takes."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > PAGE_BYTES:
            return max(count, 1)
    return len(sizes)
