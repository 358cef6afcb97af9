"""Celery tasks that run and recover jobs.

Messages are acknowledged early: a job's state is in its row, and the sweeper resends lost messages.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery import shared_task
from celery.exceptions import Ignore

from common import broker
from common.tasks import NoDatabase, database_needed
from jobs import keys, runner, sweeper
from jobs.kinds import RUN_JOB
from jobs.models import Job
from jobs.webhooks import deliveries

if TYPE_CHECKING:
    from celery import Task


@shared_task(name=RUN_JOB, bind=True, throws=(NoDatabase,))
def run_job(self: "Task[..., Any]", job_id: str) -> dict[str, Any]:
    """Runs one job. The task's result is only the job's id and state; everything else is in the job's row.

    A job's messages share one task id. One that comes while another runs the job must not report that the task ended.
    """
    worker = self.request.hostname or ""

    def report(percent: int, message: str) -> None:
        progress: dict[str, Any] = {"percent": percent, "message": message}
        self.update_state(task_id=job_id, state="PROGRESS", meta=progress)
        with suppress(broker.BrokerUnavailable):
            broker.show_progress(job_id, worker=worker, **progress)

    with database_needed():
        state = runner.run(UUID(job_id), report)
    if state in Job.ACTIVE:
        raise Ignore
    return {"job": job_id, "state": state}


# These tasks run every few seconds; their events would push all others out of Flower's memory.
@shared_task(name="jobs.sweep", ignore_result=True, send_events=False, throws=(NoDatabase,))
def sweep() -> None:
    """Recovers jobs whose message was lost or whose runner died."""
    with database_needed():
        sweeper.sweep()


@shared_task(name="jobs.deliver_webhooks", ignore_result=True, send_events=False, throws=(NoDatabase,))
def deliver_webhooks() -> None:
    """Delivers due webhooks."""
    with database_needed():
        deliveries.deliver_due()


@shared_task(name="jobs.free_idempotency_keys", ignore_result=True, throws=(NoDatabase,))
def free_idempotency_keys() -> None:
    """Clears expired idempotency keys."""
    with database_needed():
        keys.free_expired()
