"""Judged inferences as a data set: one line for each that has a verdict, with its newest one, and without names."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connection
from django.db.models import OuterRef, Subquery

from ml_proxy.exporting import Form
from ml_proxy.models import InferenceLog
from ml_proxy.rows import Example
from ml_proxy.strict_json import without
from ml_proxy.use_cases.accuracy import Question, about
from ml_proxy.use_cases.exporting import Piece, pieces
from ml_proxy.use_cases.history import MOST_ROWS, fitting
from ml_proxy.use_cases.verdicts import newest, newest_id

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


def export(question: Question, form: Form) -> Iterator[Piece]:
    """The file in pieces, the oldest verdict first."""
    return pieces(_pages(question), form.writer(Example))


def _pages(question: Question) -> Iterator[list[Example]]:
    """Page after page, one at least, each by statements of its own: of the verdicts that are there when it begins."""
    last, after = newest_id(), 0
    while True:
        found = _read(question, after, last)
        taken = found[: fitting([judged.size or 0 for judged in found])]
        yield _examples(taken)
        if len(taken) == len(found) < MOST_ROWS:
            return
        after = taken[-1].id
        if not connection.in_atomic_block:
            close_old_connections()  # as history's pages do


def _read(question: Question, after: int, last: int) -> list[Judged]:
    """The next verdicts, the superseded ones too: so a page reads no more of the table than its rows."""
    size = Subquery(InferenceLog.objects.filter(id=OuterRef("inference")).values("payload_bytes"))
    verdicts = about(question).filter(id__gt=after, id__lte=last).order_by("id")
    rows = verdicts.values_list("inference_id", size, newest(last), *COLUMNS)[:MOST_ROWS]
    return [Judged(row_id, bytes_, latest, columns) for row_id, bytes_, latest, *columns in rows]


def _examples(found: list[Judged]) -> list[Example]:
    """Of the newest verdicts, without those whose inference is gone."""
    wanted = {judged.inference_id: judged for judged in found if judged.id == judged.newest}
    texts = dict(InferenceLog.objects.filter(id__in=wanted).values_list("id", "input_data"))
    return [
        Example(row_id, without(texts[row_id], *NAMES), *judged.columns)
        for row_id, judged in wanted.items()
        if row_id in texts
    ]
