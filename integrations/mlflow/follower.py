"""Sends the outbox to MLflow, one batch at a time, with exponential backoff while MLflow is down."""

import logging
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import Error
from django.db.models import Q

from integrations.mlflow import outbox, runs
from integrations.mlflow.entries import Entry, of_inference, of_inferences, of_job
from integrations.mlflow.exceptions import MlflowError, MlflowRefused
from integrations.mlflow.models import MlflowCursor
from integrations.mlflow.outbox import Batch, Kind
from jobs.models import Job
from recording import sources

log = logging.getLogger(__name__)

SLICE_SECONDS = 20.0  # after which it starts no further batch: the worker has other work too
LEASE = timedelta(seconds=120)  # longer than one batch may take
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0


def follow() -> int:
    """Sends waiting batches for some seconds. Returns how many were sent. Raises Django's database errors.

    Does nothing if another worker holds the lease, or if the pause after a failure is not over.
    """
    if not settings.MLFLOW_TRACKING_URI or not _acquire_lease(Q(due_at=None) | Q(due_at__lte=_now())):
        return 0
    ends_at = time.monotonic() + SLICE_SECONDS
    count = 0
    try:
        while time.monotonic() < ends_at and (batch := outbox.next_batch()):
            count += send(batch)
            _renew_lease()
        _save_outcome(None)
    except MlflowError as exc:
        _save_outcome(exc)
    finally:
        _release_lease()
    return count


def send_now(batch: Batch) -> bool:
    """Sends a batch whose caller waits for it, even during a pause after a failure. Returns whether it was sent."""
    if not _acquire_lease(Q()):
        return False
    try:
        return send(batch)
    except MlflowError as exc:
        log.warning("batch %s stays in the queue for MLflow: %s", batch.id, exc.detail)
        return False
    finally:
        _release_lease()


def send(batch: Batch) -> bool:
    """Sends a batch. Returns False if MLflow refused it. Raises `MlflowError` if MLflow can't be used at all."""
    try:
        for entry in _entries(batch):
            run = runs.known_run_for(entry) if batch.kind == Kind.INFERENCES else runs.run_for(entry)
            runs.log(entry, run)
    except MlflowRefused as exc:
        runs.forget_runs()
        outbox.mark_refused(batch, exc.detail)
        return False
    outbox.mark_sent(batch)
    return True


def _entries(batch: Batch) -> list[Entry]:
    """Built from the current rows, so erased ones are not sent."""
    if batch.kind == Kind.JOB:
        return [of_job(job) for job in Job.objects.filter(pk__in=batch.subjects)]
    source = sources.named(batch.source)
    rows = source.load_stored_texts(source.rows.filter(pk__in=batch.subjects).order_by(source.model.time_field, "id"))
    if batch.kind == Kind.REQUESTED:
        return [of_inference(row) for row in rows]
    return of_inferences(rows, batch.id, batch.step)


def _acquire_lease(condition: Q) -> bool:
    """Takes the lease, so that two workers never create the same run. Returns False if another worker holds it."""
    MlflowCursor.objects.get_or_create(pk=1)
    free = Q(leased_until=None) | Q(leased_until__lt=_now())
    return bool(MlflowCursor.objects.filter(condition, free, pk=1).update(leased_until=_now() + LEASE))


def _renew_lease() -> None:
    MlflowCursor.objects.filter(pk=1).update(leased_until=_now() + LEASE)


def _release_lease() -> None:
    with suppress(Error):  # then the lease expires
        MlflowCursor.objects.filter(pk=1).update(leased_until=None)


def _save_outcome(failure: MlflowError | None) -> None:
    cursor = MlflowCursor.objects.get(pk=1)
    if failure is None:
        cursor.failures, cursor.error, cursor.due_at = 0, "", None
    else:
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(cursor.failures, 10), LONGEST_PAUSE_SECONDS)
        cursor.failures, cursor.error = cursor.failures + 1, failure.detail[:200]
        cursor.due_at = _now() + timedelta(seconds=pause)
        log.warning("sending to MLflow pauses for %.0f s: %s", pause, failure.detail)
    cursor.save(update_fields=["failures", "error", "due_at"])


def _now() -> datetime:
    return datetime.now(UTC)
