"""The Django app of jobs."""

from django.apps import AppConfig
from django.conf import settings

from common.periodic import PeriodicTask, register


class JobsConfig(AppConfig):
    """Jobs of any kind."""

    name = "jobs"

    def ready(self) -> None:
        """Registers its periodic tasks and metrics."""
        from common.metrics import scrape  # noqa: PLC0415 - models load once the apps are ready
        from jobs import gauges  # noqa: PLC0415

        seconds = settings.JOB_SWEEP_SECONDS
        register(PeriodicTask(name="sweep-jobs", task="jobs.sweep", seconds=seconds, while_taken=True))
        register(PeriodicTask(name="deliver-webhooks", task="jobs.deliver_webhooks", seconds=seconds, while_taken=True))
        register(
            PeriodicTask(name="free-job-keys", task="jobs.free_idempotency_keys", seconds=3600, expires_seconds=3600)
        )
        scrape.register_gauges(gauges.of_jobs)
