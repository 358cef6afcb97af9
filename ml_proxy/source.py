"""The record sources of inferences and of feedback."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery

from attachments.source import AttachmentSource
from common import advisory_lock, broker, person_names
from common.keyset import walk
from common.query_params import one_of
from ml_proxy.models import FEEDBACK_LOCK, Feedback, IdempotencyKey, InferenceLog
from ml_proxy.records import FeedbackRecord, InferenceRecord
from ml_proxy.rows import Row
from recording.findings import Finding, Step
from recording.history import Cursor, HistoryFilter, bounds_of
from recording.records import BadRecord, SealableRecord, UnsupportedRecord
from recording.sources import Filter, RecordSource

FORGET_TASK = "ml_proxy.forget_erased"


def _inference_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError("must be an inference's id") from None


_DOCTOR_KEY = Subquery(InferenceLog.objects.filter(pk=OuterRef("inference_id")).values("doctor_key"))


class FeedbackSource(RecordSource):
    """Stores doctors' verdicts in `Feedback`."""

    record = FeedbackRecord
    model = Feedback
    filters: ClassVar[Mapping[str, Filter]] = {"inference": Filter("inference", _inference_id)}

    def after_insert(self, rows: Sequence[Any]) -> None:
        """Copies the doctors' keys, for history by verdict."""
        Feedback.objects.filter(pk__in=[row.pk for row in rows]).update(doctor_key=_DOCTOR_KEY)

    def verify_derived(self) -> Iterator[Step]:
        """Compares the copies: a changed one would hide a verdict from a doctor's history."""
        expected = Feedback.objects.annotate(expected=_DOCTOR_KEY).filter(expected__isnull=False)
        for row in walk(expected.exclude(doctor_key=F("expected")), "pk"):
            detail = f"the doctor's key of row {row.pk} is not its inference's"
            yield Step(0, (Finding("changed", row.origin, row.sequence, row.sequence, detail),))

    def on_erase(self, rows: Sequence[Any]) -> None:
        """Also asks for the removal of what models were taught by these verdicts."""
        transaction.on_commit(_forget_soon)


def _verdicts(wanted: HistoryFilter) -> QuerySet[Feedback, tuple[UUID, datetime, int, int]]:
    """Verdicts in history's order: inference, its time, position, and the position of its newest verdict.

    Of several equal verdicts on an inference the newest comes first, so the others may be skipped.
    """
    bounds = bounds_of(wanted, "predicted_at", "inference")
    rows = Feedback.objects.filter(*(compared(**values) for compared, values in bounds))
    rows = rows.order_by(*(f"-{column}" for column in (*wanted.equal, "predicted_at", "inference", "position")))
    return rows.values_list("inference_id", "predicted_at", "position", Feedback.newest())


def _forget_soon() -> None:
    """A periodic task does it later if Redis is away."""
    with suppress(broker.BrokerUnavailable):
        broker.send(FORGET_TASK, {}, queue=broker.UPKEEP_QUEUE, shown_as="after an erasure")


class InferenceSource(AttachmentSource):
    """Stores answered predictions in `InferenceLog`."""

    record = InferenceRecord
    model = InferenceLog
    row = Row
    filters: ClassVar[Mapping[str, Filter]] = {
        "doctor": Filter("doctor_name", person_names.canonical),
        "patient": Filter("patient_name", person_names.canonical),
    }
    history_filters: ClassVar[Mapping[str, Filter]] = {
        "model": Filter("model_name", person_names.exact),
        "verdict": Filter("verdict", one_of(Feedback.Verdict.values)),
    }
    large = json = ("input_data", "output_data")
    scope_column = "doctor_name"
    whole_column = "input_data"
    is_model_call = is_default = True

    def after_insert(self, rows: Sequence[Any]) -> None:
        """Also completes verdicts that were written first: a restore may do so."""
        super().after_insert(rows)
        incomplete = Feedback.objects.filter(doctor_key=None)
        if incomplete.exists():  # hardly ever: the ids of each batch would be a long statement for nothing
            incomplete.filter(inference__in=[row.pk for row in rows]).update(doctor_key=_DOCTOR_KEY)

    def has_columns(self, equal: Iterable[str]) -> bool:
        """Whether no verdict is asked for."""
        return "verdict" not in equal

    def look_up(self, wanted: HistoryFilter) -> list[UUID]:
        """The ids of inferences by their newest verdict, as one range of an index of `Feedback`.

        Superseded verdicts are read and left out here. As a condition of the statement, they would make PostgreSQL
        expect so few rows that it reads and sorts the whole range.
        """
        count, found = wanted.limit + 1, list[UUID]()
        while True:
            read = list(_verdicts(wanted)[:count])
            found += [row_id for row_id, _, position, newest in read if position == newest]
            if len(found) >= count or len(read) < count:
                return found[:count]
            row_id, time, *_ = read[-1]
            wanted = replace(wanted, after=Cursor(time=time, id=row_id))

    def on_erase(self, rows: Sequence[Any]) -> None:
        """Also erases idempotency keys with answers."""
        super().on_erase(rows)
        IdempotencyKey.objects.filter(inference_id__in=[row.pk for row in rows]).delete()

    def erase_unrecorded(self, matches: Callable[[SealableRecord], bool]) -> None:
        """Removes answers that an idempotency key keeps for a repeat, since the journal did not take their record."""
        for key in walk(IdempotencyKey.objects.filter(recorded=False, record__isnull=False), "pk"):
            with suppress(BadRecord, UnsupportedRecord):
                if matches(self.decode(bytes(key.record))):
                    key.delete()

    def dependents(self, rows: Sequence[Any]) -> Iterator[tuple[RecordSource, Sequence[Any]]]:
        """Their feedback, whose notes and labels may concern the patient."""
        advisory_lock.hold(FEEDBACK_LOCK)
        yield from self.belonging(rows)

    def belonging(self, rows: Sequence[Any]) -> Iterator[tuple[RecordSource, Sequence[Any]]]:
        """Their feedback."""
        yield FEEDBACK, list(Feedback.objects.filter(inference__in=[row.pk for row in rows]))


FEEDBACK = FeedbackSource()
INFERENCES = InferenceSource()
