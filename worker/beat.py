"""`celery -A worker.beat beat`: sends the periodic tasks. Flower uses this application too."""

from datetime import datetime
from typing import Any

from celery.schedules import crontab, schedstate, schedule

from common import broker, periodic
from common.periodic import PeriodicTask
from worker.app import CLEANUP, make_app

MAX_WAITING = 10  # messages


class BoundedSchedule(schedule):
    """A fixed interval that pauses while no worker takes messages, so that none pile up in Redis."""

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether to send now, and the seconds until the next check."""
        state = super().is_due(last_run_at)
        return schedstate(False, self.seconds) if state.is_due and not _has_consumers() else state


def _has_consumers() -> bool:
    try:
        return broker.waiting(broker.UPKEEP_QUEUE) < MAX_WAITING
    except broker.BrokerUnavailable:
        return False


def _entry(task: PeriodicTask) -> dict[str, Any]:
    if task.crontab:
        when: Any = crontab.from_string(task.crontab)
    else:
        when = BoundedSchedule(task.seconds) if task.while_taken else task.seconds
    options = {"queue": broker.UPKEEP_QUEUE, "expires": task.expires_seconds}
    return {"task": task.task, "schedule": when, "options": options}


app = make_app("beat")
app.conf.update(
    beat_scheduler="worker.scheduler:Scheduler",
    result_backend="django-db",  # Flower reads results through this application
)
app.conf.beat_schedule = {task.name: _entry(task) for task in periodic.registered()} | {
    CLEANUP: {
        "task": CLEANUP,
        "schedule": crontab(minute="0", hour="4"),
        "options": {"queue": broker.UPKEEP_QUEUE, "expires": 3600},
    }
}
