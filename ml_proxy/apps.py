"""The Django app."""

from django.apps import AppConfig

from ml_proxy import tracing

with tracing.unseen():  # redis-py would load it, for metrics of its own that nobody asks for
    import redis as redis  # noqa: PLC0414 - the first to import it in this process


class MLProxyConfig(AppConfig):
    """The door in front of the models."""

    name = "ml_proxy"
    verbose_name = "ML Proxy"
