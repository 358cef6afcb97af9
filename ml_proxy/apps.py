"""The Django app of predictions."""

from django.apps import AppConfig
from django.conf import settings

from common.periodic import PeriodicTask, register

FORGET_SECONDS = 3600  # an erasure also asks for it at once


class MLProxyConfig(AppConfig):
    """Predictions and their log, retrains and feedback."""

    name = "ml_proxy"
    verbose_name = "ML Proxy"

    def ready(self) -> None:
        """Registers the record sources, the job kind, periodic tasks, and the health probe with its metric."""
        from common import doctor, health  # noqa: PLC0415 - models load once the apps are ready
        from common.metrics import scrape  # noqa: PLC0415
        from jobs import kinds  # noqa: PLC0415
        from ml_proxy import health as model_health  # noqa: PLC0415
        from ml_proxy.doctor import model  # noqa: PLC0415
        from ml_proxy.retrain.kind import RETRAIN  # noqa: PLC0415
        from ml_proxy.source import FEEDBACK, INFERENCES  # noqa: PLC0415
        from recording import sources  # noqa: PLC0415

        sources.register(INFERENCES)
        sources.register(FEEDBACK)
        kinds.register(RETRAIN)
        health.register("model", model_health.model, is_required=True)
        doctor.register("model server", model)
        scrape.register_part("model", lambda: (health.probe("model").ok, []))
        register(
            PeriodicTask(
                name="delete-old-idempotency-keys",
                task="ml_proxy.delete_old_idempotency_keys",
                seconds=3600,
                expires_seconds=3600,
            )
        )
        register(
            PeriodicTask(
                name="forget-erased", task="ml_proxy.forget_erased", seconds=FORGET_SECONDS, expires_seconds=3600
            )
        )
        if settings.RETRAIN_SCHEDULE:
            register(
                PeriodicTask(
                    name="retrain",
                    task="ml_proxy.start_retrain",
                    crontab=settings.RETRAIN_SCHEDULE,
                    expires_seconds=3600,
                )
            )
