"""Jobs, looked up: one, or a page of the newest."""

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
    """Another job has the concurrency key, or this job has ended; `job` is the one in the way."""

    kind = "job-conflict"

    def __init__(self, detail: str, job: Job) -> None:
        super().__init__(detail)
        self.job = job


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs: of this kind, in this state, and made before the job `after`."""

    kind: str
    state: Job.State | None = None
    limit: int = 100
    after: UUID | None = None


@dataclass(frozen=True)
class Page:
    """Jobs, and the last one's id where there are more."""

    jobs: list[Job]
    next: UUID | None


def find(job_id: UUID, kind: str | None = None) -> Job:
    """The job, which must be of the kind where one is given. Raises `NoSuchRecord`."""
    jobs = Job.objects.filter(pk=job_id)
    job = (jobs.filter(kind=kind) if kind else jobs).first()
    if job is None:
        raise NoSuchRecord("No job has this id.")
    return job


def page(wanted: JobFilter) -> Page:
    """The newest first: at most `limit` jobs and about as many bytes as a page of history."""
    jobs = Job.objects.filter(kind=wanted.kind).order_by("-id")
    if wanted.state is not None:
        jobs = jobs.filter(state=wanted.state)
    if wanted.after is not None:
        jobs = jobs.filter(below(id=wanted.after))
    size = Length("params") + Coalesce(Length("result"), Value(0))
    found = list(jobs.values_list("id", size)[: wanted.limit + 1])
    taken = [job_id for job_id, _ in found][: fitting([size for _, size in found[: wanted.limit]])]
    by_id = Job.objects.in_bulk(taken)
    return Page([by_id[job_id] for job_id in taken], taken[-1] if len(taken) < len(found) else None)


def opaque(job_id: UUID) -> str:
    """A job's place in the list, as a cursor in a URL."""
    return base64.urlsafe_b64encode(job_id.bytes).decode().rstrip("=")


def place_of(cursor: str) -> UUID:
    """The place that `opaque` wrote. Raises `ValueError`."""
    try:
        return UUID(bytes=base64.b64decode(cursor + "=" * (-len(cursor) % 4), "-_", validate=True))
    except (binascii.Error, UnicodeError) as exc:
        raise ValueError("not a cursor") from exc
