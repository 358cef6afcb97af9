"""Brings to MLflow what it does not have yet, one at a time; while it is down, tries less and less often."""

import logging
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Q

from integrations.mlflow import outbox, runs
from integrations.mlflow.entries import Entry, of_inference, of_inferences, of_job
from integrations.mlflow.exceptions import MlflowError, MlflowRefused
from integrations.mlflow.models import MlflowCursor
from integrations.mlflow.outbox import Batch, Kind
from jobs.models import Job
from recording import sources

log = logging.getLogger(__name__)

SLICE_SECONDS = 20.0  # after which no further batch is begun: the worker has other work too
LEASE = timedelta(seconds=120)  # beyond what one batch may take
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0


def follow() -> int:
    """Sends what waits, for a while; gives how many batches were sent. Raises Django's database errors.

    Nothing where another is at it, or the last failure was a moment ago.
    """
    if not settings.MLFLOW_TRACKING_URI or not _begin(Q(due_at=None) | Q(due_at__lte=_now())):
        return 0
    ends_at = time.monotonic() + SLICE_SECONDS
    count = 0
    try:
        while time.monotonic() < ends_at and (batch := outbox.next_batch()):
            count += send(batch)
            _renew()
        _end(None)
    except MlflowError as exc:
        _end(exc)
    finally:
        _let_go()
    return count


def send_asked(batch: Batch) -> bool:
    """Sends a batch whose caller waits for it, whenever the last failure was; False where that can't be now."""
    if not _begin(Q()):
        return False
    try:
        return send(batch)
    except MlflowError as exc:
        log.warning("batch %s stays in the queue for MLflow: %s", batch.id, exc.detail)
        return False
    finally:
        _let_go()


def send(batch: Batch) -> bool:
    """Sends a batch; False where MLflow refused it. Raises `MlflowError` where MLflow can't be asked at all."""
    try:
        for entry in _entries(batch):
            run = runs.known_run_for(entry) if batch.kind == Kind.INFERENCES else runs.run_for(entry)
            runs.log(entry, run)
    except MlflowRefused as exc:
        runs.forget_runs()
        outbox.refused(batch, exc.detail)
        return False
    outbox.sent(batch)
    return True


def _entries(batch: Batch) -> list[Entry]:
    """As the database tells it now: what was erased meanwhile is in none."""
    if batch.kind == Kind.JOB:
        return [of_job(job) for job in Job.objects.filter(pk__in=batch.subjects)]
    source = sources.named(batch.source)
    rows = source.complete(source.rows.filter(pk__in=batch.subjects).order_by(source.model.time_field, "id"))
    if batch.kind == Kind.ASKED:
        return [of_inference(row) for row in rows]
    return of_inferences(rows, batch.id, batch.step)


def _begin(condition: Q) -> bool:
    """Takes the lease, so that no two make the same run; False where another holds it."""
    MlflowCursor.objects.get_or_create(pk=1)
    free = Q(leased_until=None) | Q(leased_until__lt=_now())
    return bool(MlflowCursor.objects.filter(condition, free, pk=1).update(leased_until=_now() + LEASE))


def _renew() -> None:
    MlflowCursor.objects.filter(pk=1).update(leased_until=_now() + LEASE)


def _let_go() -> None:
    with suppress(DatabaseError, InterfaceError):  # then the lease runs out
        MlflowCursor.objects.filter(pk=1).update(leased_until=None)


def _end(failure: MlflowError | None) -> None:
    tracker = MlflowCursor.objects.get(pk=1)
    if failure is None:
        tracker.failures, tracker.error, tracker.due_at = 0, "", None
    else:
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(tracker.failures, 10), LONGEST_PAUSE_SECONDS)
        tracker.failures, tracker.error = tracker.failures + 1, failure.detail[:200]
        tracker.due_at = _now() + timedelta(seconds=pause)
        log.warning("MLflow is not followed for %.0f s: %s", pause, failure.detail)
    tracker.save(update_fields=["failures", "error", "due_at"])


def _now() -> datetime:
    return datetime.now(UTC)
