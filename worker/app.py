"""Makes the Celery applications, one for each kind of work; each knows the tasks of all apps, its queues choose."""

import logging
from typing import Any

from celery import Celery, Task, current_app, signals
from celery.exceptions import TaskPredicate
from celery.utils.log import get_multiprocessing_logger
from django.conf import settings
from django.db import reset_queries

from common import logs, metrics, tracing
from common.parent_death import die_with_parent

log = logging.getLogger(__name__)


class Unforeseen(Exception):
    """A task failed as nobody foresaw. Holds the class of what was raised; the log tells where."""


class QuietTask(Task):  # type: ignore[type-arg] # at run time it takes none
    """Tells of a fault that nobody foresaw by its class: its text may quote a record, and Celery sends it to Flower."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the task. What it raises on purpose, named in `throws`, passes as it is."""
        try:
            with tracing.working(self.name, self.request.get("traceparent")):
                return self.run(*args, **kwargs)
        except Exception as exc:
            if isinstance(exc, (TaskPredicate, *self.throws)):
                raise
            log.exception("unforeseen %s in %s", type(exc).__name__, self.name)
            raise Unforeseen(type(exc).__name__) from None


def make_app(role: str, **transport: Any) -> Celery:
    """An application whose unacknowledged messages are kept apart from other roles'.

    Under shared keys the role with the shorter visibility timeout redelivers what the other is still working on.
    """
    tracing.name_service(f"ml-proxy-worker-{role}")
    app: Celery = Celery(f"worker.{role}", task_cls=QuietTask)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_transport_options = {
        "unacked_key": f"unacked.{role}",
        "unacked_index_key": f"unacked_index.{role}",
        "unacked_mutex_key": f"unacked_mutex.{role}",
        **transport,
    }
    app.autodiscover_tasks(force=True)
    return app


@signals.setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Django's LOGGING holds for every line: where nobody listens to this, Celery adds handlers of its own."""
    if pool := get_multiprocessing_logger():
        pool.setLevel(logging.ERROR)
        pool.propagate = True
    current_app.log.redirect_stdouts("WARNING")  # type: ignore[arg-type] # the stubs know numbers alone


@signals.worker_ready.connect
def show_metrics(**_: Any) -> None:
    """Its own counts, for Prometheus, where no gateway shows them: one with the same state folder does."""
    try:
        if settings.WORKER_METRICS_PORT:
            metrics.serve(settings.BIND_HOST, settings.WORKER_METRICS_PORT)
    except OSError as exc:
        log.error("WORKER_METRICS_PORT can't be had, so this worker shows no metrics: %s", exc.strerror)


@signals.worker_process_init.connect
def tie_to_parent(**_: Any) -> None:
    """A pool process ends with its worker, even where that one was killed."""
    die_with_parent()


@signals.worker_process_shutdown.connect
def send_last_traces(**_: Any) -> None:
    """A pool process ends past Python's own ways out."""
    tracing.end()


@signals.task_postrun.connect
def forget_statements(**_: Any) -> None:
    """Under DEBUG Django keeps the last 9,000 statements, of which each may hold a message's records."""
    reset_queries()


@signals.task_postrun.connect
def end_of_subject(**_: Any) -> None:
    """What the task's log lines were about; Celery's own line of how it ended comes before this."""
    logs.about()
