"""Attachments as a Django app."""

from django.apps import AppConfig
from django.conf import settings

from common.periodic import PeriodicTask, register


class AttachmentsConfig(AppConfig):
    """Files beside records."""

    name = "attachments"

    def ready(self) -> None:
        """Registers its periodic task and metrics."""
        from attachments import gauges  # noqa: PLC0415 - models load once the apps are ready
        from attachments.doctor import files  # noqa: PLC0415
        from common import doctor  # noqa: PLC0415
        from common.metrics import scrape  # noqa: PLC0415

        doctor.register("files", files)
        seconds = settings.JOB_SWEEP_SECONDS
        register(
            PeriodicTask(
                name="upload-attachments", task="attachments.upload_pending", seconds=seconds, while_taken=True
            )
        )
        scrape.register_gauges(gauges.of_uploads)
