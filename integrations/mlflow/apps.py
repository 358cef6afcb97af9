"""The MLflow integration as a Django app: hooks notify it of recorded rows and ended jobs."""

from django.apps import AppConfig
from django.conf import settings

from common.periodic import PeriodicTask, register


class MlflowConfig(AppConfig):
    """Sends inferences and retrains to MLflow, if MLFLOW_TRACKING_URI is set."""

    name = "integrations.mlflow"
    label = "mlflow"
    verbose_name = "MLflow"

    def ready(self) -> None:
        """Registers its hooks, its periodic task and its metrics."""
        from common import doctor  # noqa: PLC0415 - models load once the apps are ready
        from common.metrics import scrape  # noqa: PLC0415
        from integrations.mlflow import gauges, outbox  # noqa: PLC0415
        from integrations.mlflow.doctor import mlflow  # noqa: PLC0415
        from jobs import transitions  # noqa: PLC0415
        from recording import sources  # noqa: PLC0415

        doctor.register("MLflow", mlflow)
        sources.follow(outbox.add_rows)
        transitions.follow_ends(outbox.add_job)
        scrape.register_gauges(gauges.of_outbox)
        if settings.MLFLOW_TRACKING_URI:
            register(
                PeriodicTask(
                    name="follow-log", task="mlflow.follow", seconds=settings.JOB_SWEEP_SECONDS, while_taken=True
                )
            )
