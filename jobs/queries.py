"""Queries for jobs: one by its id, or one page of a kind's jobs."""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Value
from django.db.models.functions import Coalesce, Length

from common.exceptions import Conflict, NoSuchRecord
from common.keyset import below
from common.paging import fitting
from jobs.models import Job


class JobConflict(Conflict):
    """Another job holds the concurrency key, or this job has already ended; `job` is the conflicting job."""

    kind = "job-conflict"

    def __init__(self, detail: str, job: Job) -> None:
        super().__init__(detail)
        self.job = job


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Selects jobs of this kind, in this state, of this caller, created before the job `after`."""

    kind: str
    state: Job.State | None = None
    limit: int = 100
    after: UUID | None = None
    requested_by: str | None = None


@dataclass(frozen=True)
class Page:
    """One page of jobs; `next` is the last job's id if there are more, else None."""

    jobs: list[Job]
    next: UUID | None


def find(job_id: UUID, kind: str | None = None, requested_by: str | None = None) -> Job:
    """Returns the job; it must be of the kind and of the caller that are given. Raises `NoSuchRecord`."""
    given = {"kind": kind, "requested_by": requested_by}
    job = Job.objects.filter(pk=job_id, **{name: value for name, value in given.items() if value is not None}).first()
    if job is None:
        raise NoSuchRecord("No job has this id.")
    return job


def page(query: JobFilter) -> Page:
    """Returns the newest jobs first: at most `limit`, with about the byte limit of a page of history."""
    jobs = Job.objects.filter(kind=query.kind).order_by("-id")
    if query.state is not None:
        jobs = jobs.filter(state=query.state)
    if query.requested_by is not None:
        jobs = jobs.filter(requested_by=query.requested_by)
    if query.after is not None:
        jobs = jobs.filter(below(id=query.after))
    size = Length("params") + Coalesce(Length("result"), Value(0))
    found = list(jobs.values_list("id", size)[: query.limit + 1])
    page_ids = [job_id for job_id, _ in found][: fitting([size for _, size in found[: query.limit]])]
    by_id = Job.objects.in_bulk(page_ids)
    return Page([by_id[job_id] for job_id in page_ids], page_ids[-1] if len(page_ids) < len(found) else None)


def encode_cursor(job_id: UUID) -> str:
    """Encodes a job's id as an opaque cursor for URLs."""
    return base64.urlsafe_b64encode(job_id.bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> UUID:
    """Decodes a cursor from `encode_cursor`. Raises `ValueError`."""
    try:
        return UUID(bytes=base64.b64decode(cursor + "=" * (-len(cursor) % 4), "-_", validate=True))
    except (binascii.Error, UnicodeError) as exc:
        raise ValueError("not a cursor") from exc
