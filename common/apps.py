"""The foundation as a Django app: its templates, probes and metrics."""

from django.apps import AppConfig
from django.conf import settings
from django.core.cache import BaseCache, caches, close_caches
from django.core.signals import request_finished, request_started
from django.db import reset_queries

from common import tracing

with tracing.unseen():  # redis-py would load it, for metrics of its own that nobody asks for
    import redis as redis  # noqa: PLC0414 - the first to import it in this process


class CommonConfig(AppConfig):
    """What every other app builds on."""

    name = "common"

    def ready(self) -> None:
        """Registers what everything needs, and disconnects receivers of Django's that have nothing to do here."""
        from common import health  # noqa: PLC0415 - loads once the settings are there

        health.register("database", health.database)
        health.register("redis", health.redis)
        if not settings.DEBUG:  # under which alone queries are kept
            request_started.disconnect(reset_queries)
        if all(type(cache).close is BaseCache.close for cache in caches.all()):  # which does nothing
            request_finished.disconnect(close_caches)
