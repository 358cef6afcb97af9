"""Job kinds: what each kind of job takes, who may start it, and the function that runs it.

An app declares a kind in the `ready` of its `AppConfig`:

    kinds.register(JobKind(name="retrain", run=retrain, ...))

Queueing, leases, the sweeper, progress, cancelling and webhooks then work for it; `jobs.urls.paths` has its views.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common import broker
from jobs.requests import JobRequest, read_request

if TYPE_CHECKING:
    from jobs.heartbeat import Heartbeat
    from jobs.models import Job
    from jobs.transitions import Outcome

RUN_JOB = "jobs.run"  # the Celery task that runs a job of any kind

Runner = Callable[["Job", "Heartbeat"], "Outcome"]


class UnknownKind(LookupError):
    """No kind of this name is registered here; a worker of another version may have it."""


def no_permissions(_: JobRequest) -> Sequence[str]:
    """None beside the kind's own."""
    return ()


def no_key(_: JobRequest) -> str | None:
    """Any number of jobs may run at a time."""
    return None


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """One kind of job.

    `run` does the work: it tells progress to the heartbeat, looks whether it shall stop, and gives how the job ends. It
    raises `GatewayError` where the job has failed. `read` checks a request's body and raises `BadInput`.
    """

    name: str
    run: Runner
    read: Callable[[bytes], JobRequest] = read_request
    queue: str = broker.JOBS_QUEUE
    attempts: int = 2  # in all, counting those whose worker died
    start_permission: str = "jobs.add_job"
    read_permission: str = "jobs.view_job"
    cancel_permission: str = "jobs.change_job"
    more_permissions: Callable[[JobRequest], Sequence[str]] = no_permissions  # that a request needs beside the first
    concurrency_key: Callable[[JobRequest], str | None] = no_key  # one active job at a time has a key
    begins_as: str = "running"  # the progress message of a job that has just begun
    if_unknown: str = "it is not known whether it took effect."  # ends the error of a job whose runner died


_registered: dict[str, JobKind] = {}


def register(kind: JobKind) -> JobKind:
    """Adds a kind. Registering one of the same name replaces it."""
    _registered[kind.name] = kind
    return kind


def unregister(name: str) -> None:
    """Takes a kind out again, for tests."""
    _registered.pop(name, None)


def named(name: str) -> JobKind:
    """The kind of this name. Raises `UnknownKind`."""
    try:
        return _registered[name]
    except KeyError:
        raise UnknownKind(f"the job kind {name} is unknown here") from None
