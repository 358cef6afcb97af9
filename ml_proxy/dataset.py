"""Judged inferences as a data set: one line for each that has a verdict, with its newest one, and without names."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connection
from django.db.models import OuterRef, QuerySet, Subquery

from attachments import contents
from common.export import Piece, pieces
from common.export_formats import Form
from common.paging import MAX_ROWS, fitting
from common.strict_json import without
from ml_proxy.accuracy import FeedbackFilter, about, newest, newest_id
from ml_proxy.models import Feedback, InferenceLog
from ml_proxy.rows import Example

NAMES = ("doctor_name", "patient_name")
# An example's, as the table of verdicts has them.
COLUMNS = ("label", "verdict", "model_name", "model_version", "predicted_at", "created_at", "id")


@dataclass(frozen=True)
class Judged:
    """A verdict's inference with its size in bytes (None where it is gone) and its newest verdict; and `COLUMNS`."""

    inference_id: UUID
    size: int | None
    newest: int
    columns: list[Any]

    @property
    def id(self) -> int:
        """The verdict's."""
        return int(self.columns[-1])


def export(wanted: FeedbackFilter, form: Form) -> Iterator[Piece]:
    """The file in pieces, the oldest verdict first."""
    return pieces(_pages(wanted), form.writer(Example))


def newest_first(wanted: FeedbackFilter) -> Iterator[Example]:
    """The same lines, the newest verdict first, in the memory of a page or two."""
    return chain.from_iterable(_pages(wanted, way="-id"))


def judged(wanted: FeedbackFilter) -> int:
    """How many inferences have a verdict."""
    return about(wanted).filter(id=newest()).count()


def _pages(wanted: FeedbackFilter, way: str = "id") -> Iterator[list[Example]]:
    """Page after page, one at least, each by statements of its own: of the verdicts that are there when it begins.

    `way` is the order: the verdicts' own, or with a minus sign its reverse.
    """
    last = newest_id()
    verdicts = about(wanted).order_by(way)
    bounds = {"id__gt": 0, "id__lte": last}  # both, or SQLite would rather sort what it finds by time
    while True:
        found = _read(verdicts.filter(**bounds), last)
        taken = found[: fitting([judged.size or 0 for judged in found])]
        yield _examples(taken)
        if len(taken) == len(found) < MAX_ROWS:
            return
        bounds |= {"id__lte": taken[-1].id - 1} if way == "-id" else {"id__gt": taken[-1].id}
        if not connection.in_atomic_block:
            close_old_connections()  # as history's pages do


def _read(verdicts: QuerySet[Feedback], last: int) -> list[Judged]:
    """The next verdicts, the superseded ones too: so a page reads no more of the table than its rows."""
    size = Subquery(InferenceLog.objects.filter(id=OuterRef("inference")).values("payload_bytes"))
    rows = verdicts.values_list("inference_id", size, newest(last), *COLUMNS)[:MAX_ROWS]
    return [Judged(row_id, bytes_, latest, columns) for row_id, bytes_, latest, *columns in rows]


def _examples(found: list[Judged]) -> list[Example]:
    """Of the newest verdicts, without those whose inference is gone."""
    wanted = {judged.inference_id: judged for judged in found if judged.id == judged.newest}
    rows = InferenceLog.objects.filter(id__in=wanted).values_list("id", "input_data", "files")
    columns = {row_id: (text, files) for row_id, text, files in rows}
    texts = {row_id: text for row_id, (text, _) in columns.items()}
    texts |= contents.stored_texts({row_id: files for row_id, (_, files) in columns.items() if files}, strict=True)
    return [
        Example(row_id, without(texts[row_id], *NAMES), *judged.columns)
        for row_id, judged in wanted.items()
        if row_id in texts
    ]
