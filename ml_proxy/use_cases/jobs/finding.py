"""Jobs, looked up: one, or a page of the newest."""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Value
from django.db.models.functions import Coalesce, Length

from ml_proxy.exceptions import Conflict, NoSuchRecord
from ml_proxy.keyset import below
from ml_proxy.models import Job
from ml_proxy.use_cases.history import fitting


class JobConflict(Conflict):
    """Another retrain is under way, or this job has ended; `job` is the one in the way."""

    kind = "job-conflict"

    def __init__(self, detail: str, job: Job) -> None:
        super().__init__(detail)
        self.job = job


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which jobs: in this state, and made before the job `after`."""

    state: Job.State | None = None
    limit: int = 100
    after: UUID | None = None


@dataclass(frozen=True)
class Page:
    """Jobs, and the last one's id where there are more."""

    jobs: list[Job]
    next: UUID | None


def find(job_id: UUID) -> Job:
    """The job. Raises `NoSuchRecord`."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise NoSuchRecord("No job has this id.")
    return job


def page(question: Question) -> Page:
    """The newest first: at most `limit` jobs and about as many bytes as a page of history."""
    jobs = Job.objects.order_by("-id")
    if question.state is not None:
        jobs = jobs.filter(state=question.state)
    if question.after is not None:
        jobs = jobs.filter(below(id=question.after))
    size = Length("params") + Coalesce(Length("result"), Value(0))
    found = list(jobs.values_list("id", size)[: question.limit + 1])
    taken = [job_id for job_id, _ in found][: fitting([size for _, size in found[: question.limit]])]
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
