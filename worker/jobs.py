"""`celery -A worker.jobs worker --queues jobs,upkeep`: runs retrains, long and few, and looks after them by the clock.

Acknowledged early: a job's row says what became of it, and the sweeper sends again what the row lacks.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection

from ml_proxy import courier
from ml_proxy.use_cases import callbacks, filing, jobs, keys
from ml_proxy.use_cases.tracking import following
from worker.app import make_app

if TYPE_CHECKING:
    from celery import Task

app = make_app("jobs", visibility_timeout=8 * 86400)  # of what a worker holds and has not begun
app.conf.update(result_backend="django-db", result_extended=False, worker_prefetch_multiplier=1)


class NoDatabase(Exception):
    """The task could not do its work, and will be sent again. Holds no row's text."""


@app.task(name=courier.RUN_JOB, bind=True, throws=(NoDatabase,))
def run_job(self: "Task[..., Any]", job_id: str) -> dict[str, Any]:
    """Runs one job; its result here is the state alone, the rest is the job's own."""
    worker = self.request.hostname or ""

    def tell(percent: int, message: str) -> None:
        progress: dict[str, Any] = {"percent": percent, "message": message}
        self.update_state(task_id=job_id, state="PROGRESS", meta=progress)
        with suppress(courier.CourierDown):
            courier.show_progress(job_id, worker=worker, **progress)

    with _database_needed():
        return {"job": job_id, "state": jobs.run(UUID(job_id), tell)}


# Every few seconds each: their events would push all others out of Flower's memory.
@app.task(name="worker.look_after_jobs", ignore_result=True, send_events=False, throws=(NoDatabase,))
def look_after_jobs() -> None:
    """Finds lost messages and dead runners."""
    with _database_needed():
        jobs.look_after()


@app.task(name="worker.deliver_callbacks", ignore_result=True, send_events=False, throws=(NoDatabase,))
def deliver_callbacks() -> None:
    """Tells ended jobs to those who asked to be told."""
    with _database_needed():
        callbacks.deliver_due()


@app.task(name="worker.bring_files", ignore_result=True, send_events=False, throws=(NoDatabase,))
def bring_files() -> None:
    """Brings files to the storage that it did not take before."""
    with _database_needed():
        filing.bring()


@app.task(name="worker.follow_log", ignore_result=True, send_events=False, throws=(NoDatabase,))
def follow_log() -> None:
    """Brings to MLflow what it does not have yet."""
    with _database_needed():
        following.follow()


@app.task(name="worker.start_retrain", ignore_result=True, throws=(NoDatabase,))
def start_retrain() -> None:
    """Starts the retrain that the schedule asks for."""
    with _database_needed():
        jobs.start_scheduled()


@app.task(name="worker.forget_old_keys", ignore_result=True, throws=(NoDatabase,))
def forget_old_keys() -> None:
    """Removes idempotency keys that are past their day."""
    with _database_needed():
        keys.forget_old_keys()


@contextmanager
def _database_needed() -> Iterator[None]:
    try:
        yield
    except (DatabaseError, InterfaceError) as exc:
        connection.close()
        raise NoDatabase(f"no database ({type(exc).__name__})") from None
