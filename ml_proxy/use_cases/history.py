"""The log, looked up: whole names, newest first, in pages that arriving rows can't disturb."""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connection
from django.db.models import Case, F, Func, QuerySet, When

from ml_proxy import prepared
from ml_proxy.exceptions import NoSuchRecord
from ml_proxy.keyset import at_least, at_most, below
from ml_proxy.models import InferenceLog
from ml_proxy.rows import Row
from ml_proxy.use_cases import inputs

PAGE_BYTES = 8 * 1024 * 1024  # before which a page ends early
ROW_ROOM = 1024  # bytes; what a row takes beside its two texts
MOST_ROWS = 1000
TEXTS = ("input_data", "output_data")

Bound = tuple[Callable[..., Func], dict[str, Any]]  # a comparison of keyset, and the place that it compares with


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
    """Rows, the place to go on from where there are more, and `files` of the rows that have some, by their ids."""

    rows: list[Row]
    next: Place | None
    files: Mapping[UUID, str] = field(default_factory=dict)


def page(question: Question, *, strictly: bool = False) -> Page:
    """One page: at most `limit` rows and about `PAGE_BYTES`, and at least one row where there is one.

    An input that lies in the storage is read from there; while that is down, raises `StorageDown` where it is asked
    `strictly`, else the row has what its column holds.

    One statement reads all of it but the texts that might be too much; those of the page's own rows are then asked for
    by their ids. So no more than two pages are ever loaded, and a row that arrives in between moves no other.
    """
    found = _read(question)
    sizes = [columns[-1] for columns in found[: question.limit]]
    taken = found[: fitting(sizes)]
    rows = [Row._make(columns[:-2]) for columns in taken]
    files = {columns[0]: columns[-2] for columns in taken if columns[-2]}
    goes_on = len(rows) < len(found)
    place = Place(predicted_at=rows[-1].predicted_at, id=rows[-1].id) if goes_on else None
    small = _small(question)
    large = {row.id for row, size in zip(rows, sizes, strict=False) if size > small}
    if large:
        rows = _with_texts(rows, large)
    return Page(inputs.laid_in(rows, files, strictly=strictly), place, files)


def pages(question: Question) -> Iterator[list[Row]]:
    """Page after page to the log's end, one at least, each by statements of its own. Raises `StorageDown`.

    The first one's newest row is the upper end: what arrives later is newer, or lies where the way goes on.
    """
    while True:
        found = page(question, strictly=True)
        yield found.rows
        if found.next is None:
            return
        if not connection.in_atomic_block:  # else the transaction's owner wants all of it as of one moment
            close_old_connections()  # for there may be as much time between two pages as between two requests
        question = replace(question, after=found.next)


def one(inference_id: UUID) -> Row:
    """One inference, as its columns hold it. Raises `NoSuchRecord`."""
    return _one(inference_id).rows[0]


def page_of_one(inference_id: UUID) -> Page:
    """A page of one inference. Raises `NoSuchRecord`."""
    found = _one(inference_id)
    return replace(found, rows=inputs.laid_in(found.rows, found.files, strictly=False))


def require(inference_id: UUID) -> None:
    """Raises `NoSuchRecord` where there is no such inference."""
    if not InferenceLog.objects.filter(pk=inference_id).exists():
        raise _unknown()


def matching(question: Question) -> QuerySet[InferenceLog]:
    """All rows from `question.after` on, newest first, as one range of the index over the names that are given."""
    rows = InferenceLog.objects.order_by(*(f"-{column}" for column in (*_names(question), "predicted_at", "id")))
    bounds = [compared(**place) for compared, place in _bounds(question)]
    return rows.filter(*bounds)


def _one(inference_id: UUID) -> Page:
    columns = InferenceLog.objects.filter(pk=inference_id).values_list(*Row._fields, "files").first()
    if columns is None:
        raise _unknown()
    return Page([Row._make(columns[:-1])], None, {inference_id: columns[-1]} if columns[-1] else {})


def _unknown() -> NoSuchRecord:
    return NoSuchRecord("No inference has this id. A new one appears once its record is written: try again soon.")


def _names(question: Question) -> dict[str, Any]:
    given = {"doctor_name": question.doctor, "patient_name": question.patient}
    return {column: name for column, name in given.items() if name is not None}


def _bounds(question: Question) -> list[Bound]:
    """The range's ends, the lower one first, where it has them."""
    names, since, until, after = _names(question), question.since, question.until, question.after
    lowest = names if since is None else names | {"predicted_at": since}
    bounds: list[Bound] = [(at_least, lowest)] if lowest else []
    if after is not None and (until is None or after.predicted_at < until):
        return [*bounds, (below, names | {"predicted_at": after.predicted_at, "id": after.id})]
    if until is not None:
        return [*bounds, (below, names | {"predicted_at": until})]
    return [*bounds, (at_most, names)] if names else bounds


def _read(question: Question) -> list[tuple[Any, ...]]:
    """Columns, files, size of each row, and of one more than the page has. A text that might be too much is None."""
    bounds = _bounds(question)
    shape = (question.limit, *((compared, *place) for compared, place in bounds))
    values = [pair for _, place in bounds for pair in place.items()]
    return prepared.ask(shape, lambda: _readable(question), values)


def _readable(question: Question) -> "QuerySet[InferenceLog, Any]":
    texts = {text: Case(When(payload_bytes__lte=_small(question), then=F(text))) for text in TEXTS}
    columns = [texts.get(column, column) for column in Row._fields]
    return matching(question).values_list(*columns, "files", "payload_bytes")[: question.limit + 1]


def _small(question: Question) -> int:
    """Bytes; as many rows as a page has, each of this size, are a page."""
    return PAGE_BYTES // (question.limit + 1)


def _with_texts(rows: list[Row], large: set[UUID]) -> list[Row]:
    """The rows, the large ones with the texts that they lack, or without them where they were erased just now."""
    found = InferenceLog.objects.filter(id__in=large).values_list("id", *TEXTS)
    texts = {row_id: dict(zip(TEXTS, given, strict=True)) for row_id, *given in found}
    return [row._replace(**texts.get(row.id, {})) for row in rows if row.id not in large or row.id in texts]


def fitting(sizes: list[int]) -> int:
    """How many rows of these sizes (bytes of text) a page takes: one at least, where there is one."""
    total = 0
    for count, size in enumerate(sizes):
        total += size + ROW_ROOM
        if total > PAGE_BYTES:
            return max(count, 1)
    return len(sizes)
