"""Desk photos as a Django app."""

from django.apps import AppConfig


class ImagingConfig(AppConfig):
    """Classification, description, drawing and products of desk photos."""

    name = "imaging"
    verbose_name = "Desk photos"

    def ready(self) -> None:
        """Registers the record source."""
        from imaging.source import PROVIDER_CALLS  # noqa: PLC0415 - models load once the apps are ready
        from recording import sources  # noqa: PLC0415

        sources.register(PROVIDER_CALLS)
