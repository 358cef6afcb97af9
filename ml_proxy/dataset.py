"""The data set: one line per judged inference (one that has a verdict), with its newest verdict and without names."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connection
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import NullIf

from attachments import contents
from common.export import Piece, pieces
from common.export_formats import Form
from common.paging import MAX_ROWS, fitting
from common.strict_json import without
from ml_proxy.accuracy import FeedbackFilter, select_feedback
from ml_proxy.models import Feedback, InferenceLog
from ml_proxy.rows import Example

NAMES = ("doctor_name", "patient_name")
# The members of an example that come from the feedback table.
COLUMNS = (
    NullIf("label", Value(""), output_field=Feedback._meta.get_field("label")),  # noqa: SLF001 - documented
    "verdict",
    "model_name",
    "model_version",
    "predicted_at",
    "created_at",
    "position",
)


@dataclass(frozen=True)
class JudgedInference:
    """One verdict (`columns` holds `COLUMNS`), with its inference, that inference's newest verdict, and its size.

    `size` is in bytes, or None if the inference no longer exists.
    """

    inference_id: UUID
    size: int | None
    newest: int
    columns: list[Any]

    @property
    def position(self) -> int:
        """The verdict's position."""
        return int(self.columns[-1])


def export(wanted: FeedbackFilter, form: Form) -> Iterator[Piece]:
    """Yields the file in pieces, the oldest verdict first."""
    return pieces(_pages(wanted), form.writer(Example))


def newest_first(wanted: FeedbackFilter) -> Iterator[Example]:
    """Yields the same lines, the newest verdict first, with at most two pages in memory."""
    return chain.from_iterable(_pages(wanted, order="-position"))


def count_judged(wanted: FeedbackFilter) -> int:
    """Counts the selected inferences that have a verdict."""
    return select_feedback(wanted).filter(position=Feedback.newest()).count()


def _pages(wanted: FeedbackFilter, order: str = "position") -> Iterator[list[Example]]:
    """Yields pages, at least one, each with its own queries. Verdicts given after the start are left out.

    `order` is `position` for the oldest verdict first, or `-position` for the newest first.
    """
    last = Feedback.last_position()
    verdicts = select_feedback(wanted).order_by(order)
    # With only one bound, SQLite filters by time and sorts the result.
    bounds = {"position__gt": 0, "position__lte": last}
    while True:
        found = _read(verdicts.filter(**bounds), last)
        selected = found[: fitting([judged.size or 0 for judged in found])]
        yield _examples(selected)
        if len(selected) == len(found) < MAX_ROWS:
            return
        bounds |= (
            {"position__lte": selected[-1].position - 1}
            if order == "-position"
            else {"position__gt": selected[-1].position}
        )
        if not connection.in_atomic_block:
            close_old_connections()  # as history's pages do


def _read(verdicts: QuerySet[Feedback], last: int) -> list[JudgedInference]:
    """Reads the next verdicts. Superseded ones are included, so a page reads only its own rows of the table."""
    size = Subquery(InferenceLog.objects.filter(id=OuterRef("inference")).values("payload_bytes"))
    rows = verdicts.values_list("inference_id", size, Feedback.newest(last), *COLUMNS)[:MAX_ROWS]
    return [JudgedInference(row_id, bytes_, latest, columns) for row_id, bytes_, latest, *columns in rows]


def _examples(found: list[JudgedInference]) -> list[Example]:
    """Returns the examples of the newest verdicts, except those whose inference no longer exists."""
    wanted = {judged.inference_id: judged for judged in found if judged.position == judged.newest}
    rows = InferenceLog.objects.filter(id__in=wanted).values_list("id", "input_data", "files")
    columns = {row_id: (text, files) for row_id, text, files in rows}
    texts = {row_id: text for row_id, (text, _) in columns.items()}
    texts |= contents.stored_texts({row_id: files for row_id, (_, files) in columns.items() if files}, strict=True)
    return [
        Example(row_id, without(texts[row_id], *NAMES), *judged.columns)
        for row_id, judged in wanted.items()
        if row_id in texts
    ]
