"""The Django app `common`: templates, health probes and metrics."""

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.cache import BaseCache, caches, close_caches
from django.core.signals import request_finished, request_started
from django.db import reset_queries
from django.db.backends.signals import connection_created
from django.urls import register_converter

from common import tracing
from common.path_converters import IdConverter

with tracing.hide_opentelemetry():  # redis-py would load OpenTelemetry for metrics that are not used
    import redis as redis  # noqa: PLC0414 - the first to import it in this process


class CommonConfig(AppConfig):
    """Shared code of all apps."""

    name = "common"

    def ready(self) -> None:
        """Registers checks, probes, a metric, a path converter and a loader. Disconnects receivers that do nothing."""
        from common import database_checks, doctor, doctor_checks, health, security_checks, timestamp_loader  # noqa: PLC0415 - need the settings
        from common.metrics import scrape  # noqa: PLC0415

        register_converter(IdConverter, "id")
        checks.register(database_checks.check_encoding, checks.Tags.database)
        checks.register(security_checks.check_middleware, checks.Tags.security, deploy=True)
        health.register("database", health.database)
        health.register("redis", health.redis)
        health.register("beat", health.beat)
        doctor.register("database", doctor_checks.database)
        doctor.register("Redis", doctor_checks.redis_server)
        doctor.register("clock", doctor_checks.clock)
        doctor.register("memory", doctor_checks.memory)
        scrape.register_part("beat", lambda: (health.probe("beat").ok, []))
        connection_created.connect(timestamp_loader.register)
        if not settings.DEBUG:  # Django keeps queries under DEBUG only
            request_started.disconnect(reset_queries)
        if all(type(cache).close is BaseCache.close for cache in caches.all()):  # it does nothing
            request_finished.disconnect(close_caches)
