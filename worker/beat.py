"""`celery -A worker.beat beat`: what happens by the clock. Flower looks through this application too."""

from datetime import datetime

from celery.schedules import crontab, schedstate, schedule
from django.conf import settings

from ml_proxy import courier
from worker.app import make_app

MOST_WAITING = 10  # messages


class WhileTaken(schedule):
    """Due every so many seconds while somebody takes what is sent: nothing piles up in Redis where no worker is."""

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether to send now, and when to ask again, in seconds."""
        state = super().is_due(last_run_at)
        return schedstate(False, self.seconds) if state.is_due and not _is_taken() else state


def _is_taken() -> bool:
    try:
        return courier.waiting(courier.UPKEEP_QUEUE) < MOST_WAITING
    except courier.CourierDown:
        return False


SWEEP = WhileTaken(settings.JOB_SWEEP_SECONDS)

app = make_app("beat")
app.conf.update(result_backend="django-db")  # Flower reads results through this application
app.conf.beat_schedule = {
    name: {"task": task, "schedule": when, "options": {"queue": courier.UPKEEP_QUEUE, "expires": expires}}
    for name, task, when, expires in [
        ("look-after-jobs", "worker.look_after_jobs", SWEEP, 60),
        ("deliver-callbacks", "worker.deliver_callbacks", SWEEP, 60),
        ("bring-files", "worker.bring_files", SWEEP, 60),
        ("forget-old-idempotency-keys", "worker.forget_old_keys", 3600.0, 3600),
        ("celery.backend_cleanup", "celery.backend_cleanup", crontab(minute="0", hour="4"), 3600),  # Celery's own name
    ]
}
if settings.MLFLOW_TRACKING_URI:
    app.conf.beat_schedule["follow-log"] = {
        "task": "worker.follow_log",
        "schedule": SWEEP,
        "options": {"queue": courier.UPKEEP_QUEUE, "expires": 60},
    }
if settings.RETRAIN_SCHEDULE:
    app.conf.beat_schedule["retrain"] = {
        "task": "worker.start_retrain",
        "schedule": crontab.from_string(settings.RETRAIN_SCHEDULE),
        "options": {"queue": courier.UPKEEP_QUEUE, "expires": 3600},
    }
