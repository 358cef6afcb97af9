"""Logging. `common.logs` has the filters, formatters and handlers."""

from backend import env
from backend.settings.machine import DEBUG

LOG_LEVEL = env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
LOG_FORMAT = env.choice("LOG_FORMAT", ("line", "json"), default="line" if DEBUG else "json")

_QUIET = [] if LOG_LEVEL == "DEBUG" else ["no_periodic_tasks"]
LOG_LINE = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
LOGGING_CONFIG = "common.logs.configure"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "common.logs.RequestIDFilter"},
        "no_periodic_tasks": {"()": "common.periodic_logs.PeriodicTaskFilter"},
        "no_bodies": {"()": "common.logs.MessageBodyFilter"},
        "only_exceptions": {"()": "common.logs.ExceptionsOnlyFilter"},
    },
    "formatters": {
        "line": {"()": "common.logs.SafeFormatter", "format": LOG_LINE},
        "json": {"()": "common.logs.JSONFormatter"},
    },
    "handlers": {"stderr": {"class": "common.logs.StderrHandler", "formatter": LOG_FORMAT, "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},  # Django's own handler would print every line again
        "django.request": {"level": "ERROR", "filters": ["only_exceptions"]},  # ml_proxy.access logs every request
        "django.server": {"handlers": [], "propagate": False},
        "celery": {"level": "INFO" if LOG_LEVEL == "DEBUG" else LOG_LEVEL},  # at DEBUG it prints whole messages
        "celery.beat": {"filters": _QUIET},
        "celery.worker.strategy": {"filters": _QUIET},
        "celery.app.trace": {"filters": _QUIET},
        "celery.worker.consumer.consumer": {"filters": ["no_bodies"]},
    },
}
