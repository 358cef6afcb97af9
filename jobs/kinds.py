"""Job kinds: for each kind, the parameters it accepts, who may start it, and the function that runs it.

An app declares a kind in the `ready` of its `AppConfig`:

    kinds.register(JobKind(name="retrain", run=retrain, ...))

Queueing, leases, the sweeper, progress, cancelling and webhooks then work for it; `jobs.urls.paths` adds its views.
docs/extending.md shows a whole kind.
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
    """No kind with this name is registered in this process; a worker of another version may know it."""


def no_permissions(_: JobRequest) -> Sequence[str]:
    """Requires nothing beyond the kind's own permission."""
    return ()


def no_key(_: JobRequest) -> str | None:
    """Lets any number of jobs run at the same time."""
    return None


def stored_result(job: "Job") -> str | None:
    """The result as it is stored."""
    result: str | None = job.result
    return result


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """One kind of job.

    `run` does the work: it sets the heartbeat's progress, checks whether it must stop, and returns the outcome.
    It raises `GatewayError` if the job failed. `read` checks a request's body and raises `BadInput`. `present` makes
    the JSON text that callers see of a result, for example with new links.
    """

    name: str
    run: Runner
    read: Callable[[bytes], JobRequest] = read_request
    queue: str = broker.JOBS_QUEUE
    attempts: int = 2  # in total, including attempts whose worker died
    start_permission: str = "jobs.add_job"
    read_permission: str = "jobs.view_job"
    payload_permission: str = "jobs.view_payload"  # to see parameters and results; callers see those of their own jobs
    cancel_permission: str = "jobs.change_job"
    extra_permissions: Callable[[JobRequest], Sequence[str]] = no_permissions  # required besides start_permission
    is_private: bool = False  # only the caller who started a job, and superusers, see it or cancel it
    concurrency_key: Callable[[JobRequest], str | None] = no_key  # only one active job may hold each key
    present: Callable[["Job"], str | None] = stored_result
    initial_message: str = "running"  # the progress message when a run starts
    unknown_outcome: str = "it is not known whether it took effect."  # ends the error text if the runner died


_registered: dict[str, JobKind] = {}


def register(kind: JobKind) -> JobKind:
    """Adds a kind. A kind with the same name is replaced."""
    _registered[kind.name] = kind
    return kind


def unregister(name: str) -> None:
    """Removes a kind, for tests."""
    _registered.pop(name, None)


def private_names() -> list[str]:
    """The kinds whose jobs only their callers see."""
    return sorted(kind.name for kind in _registered.values() if kind.is_private)


def named(name: str) -> JobKind:
    """Returns the kind with this name. Raises `UnknownKind`."""
    try:
        return _registered[name]
    except KeyError:
        raise UnknownKind(f"the job kind {name} is unknown here") from None
