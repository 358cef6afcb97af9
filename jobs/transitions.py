"""State changes of jobs. Each is a conditional UPDATE: whoever comes too late changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from jobs.models import Job
from jobs.queries import JobConflict, find
from jobs.webhooks import deliveries

ERROR_CHARACTERS = 500
MESSAGE_CHARACTERS = 200


@dataclass(frozen=True)
class Outcome:
    """How a job ends: `result` is JSON text, `error` a sentence."""

    state: Job.State
    result: str | None = None
    error: str | None = None


CANCELLED = Outcome(Job.State.CANCELLED)

_end_followers: list[Callable[[UUID], None]] = []


def follow_ends(follower: Callable[[UUID], None]) -> None:
    """Registers `follower`; it is called with the id of each job that ends, in the transaction that ends it."""
    if follower not in _end_followers:
        _end_followers.append(follower)


def end(job_id: UUID, outcome: Outcome, **expected: Any) -> Job.State | None:
    """Ends the job and schedules its webhook. Returns its state, or None if its columns do not match `expected`.

    A job that was asked to stop ends as cancelled instead of failed.
    """
    if outcome.state != Job.State.FAILED:
        return _end(job_id, outcome, **expected)
    return _end(job_id, outcome, cancel_requested=False, **expected) or _end(
        job_id, CANCELLED, cancel_requested=True, **expected
    )


def _end(job_id: UUID, outcome: Outcome, **expected: Any) -> Job.State | None:
    with transaction.atomic():
        ended = Job.objects.filter(pk=job_id, **expected).update(
            state=outcome.state,
            result=outcome.result,
            error=outcome.error and outcome.error[:ERROR_CHARACTERS],
            percent=100 if outcome.state == Job.State.SUCCEEDED else F("percent"),
            message=outcome.state.value,
            finished_at=datetime.now(UTC),
        )
        if ended:
            deliveries.job_ended(job_id)
            for follower in _end_followers:
                follower(job_id)
    return outcome.state if ended else None


def cancel(job_id: UUID) -> Job:
    """Cancels a queued job, or asks a running job's runner to stop.

    Raises `NoSuchRecord`, or `JobConflict` if the job has ended.
    """
    if not end(job_id, CANCELLED, state=Job.State.QUEUED):
        running = Job.objects.filter(pk=job_id, state=Job.State.RUNNING)
        if not running.update(cancel_requested=True, message="cancelling"):
            return _cancel_again(job_id)
    return find(job_id)


def _cancel_again(job_id: UUID) -> Job:
    """Handles a job that was neither queued nor running: it has ended, or its state changed between the two updates."""
    job = find(job_id)
    if job.state in Job.ACTIVE:
        return cancel(job_id)
    raise JobConflict(f"This job has already ended: {job.state}.", job)
