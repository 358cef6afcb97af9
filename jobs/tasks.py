"""Runs jobs and looks after them.

Acknowledged early: a job's row says what became of it, and the sweeper sends lost messages again.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery import shared_task

from common import broker
from common.tasks import NoDatabase, database_needed
from jobs import keys, runner, sweeper
from jobs.kinds import RUN_JOB
from jobs.webhooks import deliveries

if TYPE_CHECKING:
    from celery import Task


@shared_task(name=RUN_JOB, bind=True, throws=(NoDatabase,))
def run_job(self: "Task[..., Any]", job_id: str) -> dict[str, Any]:
    """Runs one job; its result here is the state alone, the rest is the job's own."""
    worker = self.request.hostname or ""

    def tell(percent: int, message: str) -> None:
        progress: dict[str, Any] = {"percent": percent, "message": message}
        self.update_state(task_id=job_id, state="PROGRESS", meta=progress)
        with suppress(broker.BrokerUnavailable):
            broker.show_progress(job_id, worker=worker, **progress)

    with database_needed():
        return {"job": job_id, "state": runner.run(UUID(job_id), tell)}


# Every few seconds each: their events would push all others out of Flower's memory.
@shared_task(name="jobs.sweep", ignore_result=True, send_events=False, throws=(NoDatabase,))
def sweep() -> None:
    """Finds lost messages and dead runners."""
    with database_needed():
        sweeper.sweep()


@shared_task(name="jobs.deliver_webhooks", ignore_result=True, send_events=False, throws=(NoDatabase,))
def deliver_webhooks() -> None:
    """Tells ended jobs to those who asked to be told."""
    with database_needed():
        deliveries.deliver_due()


@shared_task(name="jobs.free_idempotency_keys", ignore_result=True, throws=(NoDatabase,))
def free_idempotency_keys() -> None:
    """Frees keys that are past their day."""
    with database_needed():
        keys.free_old()
