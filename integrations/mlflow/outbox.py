"""What MLflow does not have yet. It is noted with what it tells of, so that no order of commits can hide any of it.

What is sent together is settled before the first try, so that each further one sends the same under the same name.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from common.ids import uuid7
from integrations.mlflow.models import MlflowOutbox
from recording.models import SealedRow
from recording.sources import RecordSource

log = logging.getLogger(__name__)

MAX_BATCH_ROWS = 500  # inferences
MOST_BYTES = 8 * 1024 * 1024  # of their texts, unless one message alone has more
MAX_REFUSALS = 3

Kind = MlflowOutbox.Kind


@dataclass(frozen=True)
class Batch:
    """What is sent together. `step` grows from batch to batch."""

    id: UUID
    kind: int
    source: str
    step: int
    subjects: tuple[UUID, ...]


def note_rows(source: RecordSource, rows: Sequence[SealedRow]) -> None:
    """Rows that were written just now, in the caller's transaction; nothing while MLflow is off."""
    if rows and source.is_model_call and settings.MLFLOW_TRACKING_URI:
        subjects = " ".join(row.id.hex for row in rows)
        size = sum(row.payload_bytes for row in rows)
        MlflowOutbox.objects.create(
            kind=Kind.INFERENCES, source=source.name, subjects=subjects, count=len(rows), payload_bytes=size
        )


def note_job(job_id: UUID) -> None:
    """A job that ended just now, in the caller's transaction; nothing while MLflow is off."""
    if settings.MLFLOW_TRACKING_URI:
        _note_one(Kind.JOB, "", job_id)


def note_asked(source: RecordSource, inference_id: UUID) -> Batch | None:
    """An inference that shall have a run of its own; what waits for that already is the same.

    None where it was sent in this very moment.
    """
    with transaction.atomic():
        return _batch(MlflowOutbox.objects.filter(pk=_note_one(Kind.ASKED, source.name, inference_id).pk))


def next_batch() -> Batch | None:
    """What is to be sent now; the same again until it is `sent` or aside."""
    with transaction.atomic():
        return _batch(_open().order_by("kind", "id"))


def sent(batch: Batch) -> None:
    """MLflow has it."""
    MlflowOutbox.objects.filter(batch=batch.id).delete()


def refused(batch: Batch, why: str) -> None:
    """MLflow will not have it; after some tries it is set aside, so that it does not hold up the others."""
    entries = MlflowOutbox.objects.filter(batch=batch.id)
    entries.update(refusals=F("refusals") + 1, error=why[:200])
    if entries.filter(refusals__gte=MAX_REFUSALS).update(is_aside=True):
        log.error("batch %s of %d is set aside: %s", batch.id, len(batch.subjects), why)


def _open() -> QuerySet[MlflowOutbox]:
    return MlflowOutbox.objects.filter(is_aside=False)


def _note_one(kind: Kind, source: str, subject: UUID) -> MlflowOutbox:
    """One that was aside gets another chance."""
    entry, is_new = MlflowOutbox.objects.get_or_create(kind=kind, source=source, subjects=subject.hex)
    if not is_new:
        MlflowOutbox.objects.filter(pk=entry.pk).update(is_aside=False, refusals=0)
    return entry


def _batch(waiting: QuerySet[MlflowOutbox]) -> Batch | None:
    """The batch of the first of these. That one is locked: two can't be cut of the same."""
    first = waiting.select_for_update().first()
    if first is None:
        return None
    batch_id = first.batch or _cut(first)
    entries = list(MlflowOutbox.objects.filter(batch=batch_id).order_by("id"))
    subjects = tuple(UUID(subject) for entry in entries for subject in entry.subjects.split())
    return Batch(batch_id, first.kind, first.source, entries[0].pk, subjects)


def _cut(first: MlflowOutbox) -> UUID:
    """Makes a batch of the oldest that are in none: many small messages travel as one."""
    together = [first.pk]
    if first.kind == Kind.INFERENCES:
        count = size = 0
        entries = _open().filter(kind=first.kind, source=first.source, batch=None, pk__gte=first.pk).order_by("id")
        for entry in entries.only("count", "payload_bytes")[:MAX_BATCH_ROWS]:
            count, size = count + entry.count, size + entry.payload_bytes
            if entry.pk != first.pk and (count > MAX_BATCH_ROWS or size > MOST_BYTES):
                break
            together.append(entry.pk)
    batch_id = uuid7()
    MlflowOutbox.objects.filter(pk__in=together, batch=None).update(batch=batch_id)
    return batch_id
