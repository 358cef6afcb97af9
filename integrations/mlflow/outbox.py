"""The outbox for MLflow. Entries are written in the transaction of the rows or the job, so that none can be missed.

A batch is formed before the first try, so that each retry sends the same entries under the same id.
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
from jobs import kinds
from jobs.models import Job
from recording.models import SealedRow
from recording.sources import RecordSource

log = logging.getLogger(__name__)

MAX_BATCH_ROWS = 500  # inferences
MAX_BYTES = 8 * 1024 * 1024  # of texts in a batch, unless a single entry has more
MAX_REFUSALS = 3

Kind = MlflowOutbox.Kind


@dataclass(frozen=True)
class Batch:
    """Entries that are sent together. `step` increases from batch to batch."""

    id: UUID
    kind: int
    source: str
    step: int
    subjects: tuple[UUID, ...]


def add_rows(source: RecordSource, rows: Sequence[SealedRow]) -> None:
    """Adds newly written rows, in the caller's transaction. Does nothing if MLflow is off."""
    if rows and source.is_model_call and settings.MLFLOW_TRACKING_URI:
        subjects = " ".join(row.id.hex for row in rows)
        size = sum(row.payload_bytes for row in rows)
        MlflowOutbox.objects.create(
            kind=Kind.INFERENCES, source=source.name, subjects=subjects, count=len(rows), payload_bytes=size
        )


def add_job(job_id: UUID) -> None:
    """Adds a job that has just ended, in the caller's transaction. Does nothing if MLflow is off, or it is private."""
    if settings.MLFLOW_TRACKING_URI and not Job.objects.filter(pk=job_id, kind__in=kinds.private_names()).exists():
        _add_one(Kind.JOB, "", job_id)


def add_request(source: RecordSource, inference_id: UUID) -> Batch | None:
    """Adds a request to log an inference as its own run, and returns its batch. A waiting request is reused.

    Returns None if it was sent meanwhile.
    """
    with transaction.atomic():
        return _batch(MlflowOutbox.objects.filter(pk=_add_one(Kind.REQUESTED, source.name, inference_id).pk))


def next_batch() -> Batch | None:
    """The batch to send now: the same one until it is marked as sent or set aside."""
    with transaction.atomic():
        return _batch(_open().order_by("kind", "id"))


def mark_sent(batch: Batch) -> None:
    """Deletes a batch that MLflow has."""
    MlflowOutbox.objects.filter(batch=batch.id).delete()


def mark_refused(batch: Batch, reason: str) -> None:
    """Counts a refusal. After `MAX_REFUSALS` the batch is set aside, so that it does not block the others."""
    entries = MlflowOutbox.objects.filter(batch=batch.id)
    entries.update(refusals=F("refusals") + 1, error=reason[:200])
    if entries.filter(refusals__gte=MAX_REFUSALS).update(is_aside=True):
        log.error("batch %s of %d is set aside: %s", batch.id, len(batch.subjects), reason)


def _open() -> QuerySet[MlflowOutbox]:
    return MlflowOutbox.objects.filter(is_aside=False)


def _add_one(kind: Kind, source: str, subject: UUID) -> MlflowOutbox:
    """Adds an entry, or sends an existing one again that was set aside."""
    entry, is_new = MlflowOutbox.objects.get_or_create(kind=kind, source=source, subjects=subject.hex)
    if not is_new:
        MlflowOutbox.objects.filter(pk=entry.pk).update(is_aside=False, refusals=0)
    return entry


def _batch(waiting: QuerySet[MlflowOutbox]) -> Batch | None:
    """The batch of the first entry. Locks that entry, so that concurrent callers form only one batch."""
    first = waiting.select_for_update().first()
    if first is None:
        return None
    batch_id = first.batch or _create_batch(first)
    entries = list(MlflowOutbox.objects.filter(batch=batch_id).order_by("id"))
    subjects = tuple(UUID(subject) for entry in entries for subject in entry.subjects.split())
    return Batch(batch_id, first.kind, first.source, entries[0].pk, subjects)


def _create_batch(first: MlflowOutbox) -> UUID:
    """Forms a batch of the oldest entries without one, so that many small entries are sent together."""
    members = [first.pk]
    if first.kind == Kind.INFERENCES:
        count = size = 0
        entries = _open().filter(kind=first.kind, source=first.source, batch=None, pk__gte=first.pk).order_by("id")
        for entry in entries.only("count", "payload_bytes")[:MAX_BATCH_ROWS]:
            count, size = count + entry.count, size + entry.payload_bytes
            if entry.pk != first.pk and (count > MAX_BATCH_ROWS or size > MAX_BYTES):
                break
            members.append(entry.pk)
    batch_id = uuid7()
    MlflowOutbox.objects.filter(pk__in=members, batch=None).update(batch=batch_id)
    return batch_id
