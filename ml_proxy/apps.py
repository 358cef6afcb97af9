"""The Django app."""

from django.apps import AppConfig


class MLProxyConfig(AppConfig):
    """The door in front of the models."""

    name = "ml_proxy"
    verbose_name = "ML Proxy"
