"""Deletes what jobs leave behind: the outputs of their stages, files that no result names, unused reservations."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from attachments.exceptions import StorageUnavailable
from imaging.generation import costs, files
from imaging.generation.kind import DESK_PHOTO, kept_keys
from imaging.models import CostReservation
from jobs import stages
from jobs.models import Job

log = logging.getLogger(__name__)

MOST_JOBS = 100  # in one run of the periodic task
CHUNK = 500  # jobs in one query
COSTS_KEPT = timedelta(days=40)


def tidy() -> int:
    """Deletes the leftovers of jobs that have ended; returns how many jobs. What fails is done by the next run."""
    ended = stages.ended_with_outputs(DESK_PHOTO.name, MOST_JOBS)
    done = 0
    try:
        for job in ended:
            files.delete_files(job.id, kept_keys(job))
            costs.free_unused(job)
            stages.forget_outputs(job.id)
            done += 1
    except StorageUnavailable as exc:
        log.warning("the files of %d ended jobs wait for the storage: %s", len(ended) - done, exc.detail)
    return done


def delete_strays() -> int:
    """Goes through all files of jobs, and deletes those that no job needs; returns how many.

    Such a file comes from a worker that was taken for dead and was not, or from a job whose row was deleted. A
    job's row is older than its files, so a job without a row never gets one. Raises `StorageUnavailable`.
    """
    CostReservation.objects.filter(day__lt=datetime.now(UTC).date() - COSTS_KEPT).delete()
    deleted = 0
    found = sorted(set(files.job_ids()))
    for start in range(0, len(found), CHUNK):
        chunk = found[start : start + CHUNK]
        jobs: dict[Any, Job] = Job.objects.in_bulk(chunk)
        for job_id in chunk:
            job = jobs.get(job_id)
            if job is None or job.state not in Job.ACTIVE:
                deleted += files.delete_files(job_id, kept_keys(job) if job else ())
    if deleted:
        log.warning("%d files that no job needs were deleted", deleted)
    return deleted
