"""The foundation as a Django app: its templates, probes and metrics."""

from django.apps import AppConfig

from common import tracing

with tracing.unseen():  # redis-py would load it, for metrics of its own that nobody asks for
    import redis as redis  # noqa: PLC0414 - the first to import it in this process


class CommonConfig(AppConfig):
    """What every other app builds on."""

    name = "common"

    def ready(self) -> None:
        """Registers the neighbours that everything needs."""
        from common import health  # noqa: PLC0415 - loads once the settings are there

        health.register("database", health.database)
        health.register("redis", health.redis)
