"""MLflow as a Django app: it follows recorded rows and ended jobs through their hooks."""

from django.apps import AppConfig
from django.conf import settings

from common.periodic import PeriodicTask, register


class MlflowConfig(AppConfig):
    """Sends inferences and retrains to MLflow, where one is named."""

    name = "integrations.mlflow"
    label = "mlflow"
    verbose_name = "MLflow"

    def ready(self) -> None:
        """Registers its hooks, its periodic task and its metrics."""
        from common.metrics import scrape  # noqa: PLC0415 - models load once the apps are ready
        from integrations.mlflow import gauges, outbox  # noqa: PLC0415
        from jobs import transitions  # noqa: PLC0415
        from recording import sources  # noqa: PLC0415

        sources.follow(outbox.note_rows)
        transitions.follow_ends(outbox.note_job)
        scrape.register_gauges(gauges.of_outbox)
        if settings.MLFLOW_TRACKING_URI:
            register(
                PeriodicTask(
                    name="follow-log", task="mlflow.follow", seconds=settings.JOB_SWEEP_SECONDS, while_taken=True
                )
            )
