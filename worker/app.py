"""Makes the Celery applications, one for each kind of work."""

from typing import Any

from celery import Celery, signals
from django.db import reset_queries

from ml_proxy.lifeline import die_with_parent


def make_app(role: str, **transport: Any) -> Celery:
    """An application whose unacknowledged messages are kept apart from other roles'.

    Under shared keys the role with the shorter visibility timeout redelivers what the other is still working on.
    """
    app = Celery(f"worker.{role}")
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_transport_options = {
        "unacked_key": f"unacked.{role}",
        "unacked_index_key": f"unacked_index.{role}",
        "unacked_mutex_key": f"unacked_mutex.{role}",
        **transport,
    }
    return app


@signals.worker_process_init.connect
def tie_to_parent(**_: Any) -> None:
    """A pool process ends with its worker, even where that one was killed."""
    die_with_parent()


@signals.task_postrun.connect
def forget_statements(**_: Any) -> None:
    """Under DEBUG Django keeps the last 9,000 statements, of which each may hold a message's records."""
    reset_queries()
