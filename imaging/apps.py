"""Desk photos as a Django app."""

from django.apps import AppConfig
from django.conf import settings

from common.periodic import PeriodicTask, register


class ImagingConfig(AppConfig):
    """Classification, description, drawing and products of desk photos."""

    name = "imaging"
    verbose_name = "Desk photos"

    def ready(self) -> None:
        """Registers the record source, the job kind and the periodic tasks."""
        from imaging.generation.kind import DESK_PHOTO  # noqa: PLC0415 - models load once the apps are ready
        from imaging.source import PROVIDER_CALLS  # noqa: PLC0415 - models load once the apps are ready
        from jobs import kinds  # noqa: PLC0415
        from recording import sources  # noqa: PLC0415

        sources.register(PROVIDER_CALLS)
        kinds.register(DESK_PHOTO)
        seconds = settings.JOB_SWEEP_SECONDS
        register(PeriodicTask(name="tidy-desk-photos", task="imaging.tidy", seconds=seconds, while_taken=True))
        register(PeriodicTask(name="delete-strays", task="imaging.delete_strays", crontab="17 3 * * *"))
