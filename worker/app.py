"""Creates the Celery applications. Each knows the tasks of all apps; the queues of its worker select among them."""

import logging
from typing import Any

from celery import Celery, Task, current_app, signals
from celery.exceptions import TaskPredicate
from celery.utils.log import get_multiprocessing_logger
from django.conf import settings
from django.db import reset_queries

from common import broker, logs, metrics, tracing
from common.database_checks import refuse_unusable
from common.parent_death import die_with_parent
from recording import recorder
from worker import stopping

log = logging.getLogger(__name__)

CLEANUP = "celery.backend_cleanup"  # Celery's own upkeep task, under Celery's own name


class UnexpectedError(Exception):
    """A task raised an undeclared exception. The message is its class; the log has the traceback."""


class SafeErrorTask(Task):  # type: ignore[type-arg] # it is not generic at run time
    """Hides the text of unexpected exceptions: it may quote a record, and Celery sends it to Flower."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the task. Exceptions listed in its `throws` pass unchanged."""
        try:
            with tracing.trace_task(self.name, self.request.get("traceparent")):
                return self.run(*args, **kwargs)
        except Exception as exc:
            if isinstance(exc, (TaskPredicate, *self.throws)):
                raise
            log.exception("unexpected %s in %s", type(exc).__name__, self.name)
            raise UnexpectedError(type(exc).__name__) from None


def make_app(role: str, **transport: Any) -> Celery:
    """An application with Redis keys of its own for unacknowledged messages.

    With shared keys, the role with the shorter visibility timeout would redeliver messages that the other still runs.
    """
    tracing.name_service(f"ml-proxy-worker-{role}")
    app: Celery = Celery(f"worker.{role}", task_cls=SafeErrorTask)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_transport_options = {
        **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        "unacked_key": broker.taken_key(role),
        "unacked_index_key": f"unacked_index.{role}",
        "unacked_mutex_key": f"unacked_mutex.{role}",
        **transport,
    }
    app.conf.worker_pool = "worker.pool:TaskPool"
    app.conf.task_annotations = {CLEANUP: {"ignore_result": True}}  # as all upkeep tasks: a result would be a row
    app.autodiscover_tasks(force=True)
    return app


@signals.worker_init.connect
def _write_rows_directly(**_: Any) -> None:
    recorder.without_journal()


@signals.setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Keeps Django's LOGGING. Without a receiver of this signal, Celery adds handlers of its own."""
    if pool := get_multiprocessing_logger():
        pool.setLevel(logging.ERROR)
        pool.propagate = True
    current_app.log.redirect_stdouts("WARNING")  # type: ignore[arg-type] # the stubs accept numbers only


@signals.celeryd_init.connect
@signals.beat_init.connect
def check_database(**_: Any) -> None:
    """Ends a worker, or beat, if the database can't hold Unicode."""
    refuse_unusable()


@signals.worker_ready.connect
def serve_metrics(**_: Any) -> None:
    """Serves this worker's metrics if no gateway does. A gateway with the same state folder serves them too."""
    try:
        if settings.WORKER_METRICS_PORT:
            metrics.serve(settings.BIND_HOST, settings.WORKER_METRICS_PORT)
    except OSError as exc:
        log.error("cannot listen on WORKER_METRICS_PORT, so this worker serves no metrics: %s", exc.strerror)


@signals.worker_shutting_down.connect
def end_in_time(**_: Any) -> None:
    """Bounds the stop: Celery waits for its tasks and for Redis without a limit.

    What the worker has not finished is sent again: records by the publisher, jobs by the sweeper.
    """
    stopping.end_in_time()


@signals.beat_init.connect
def end_beat_in_time(**_: Any) -> None:
    """The same for beat."""
    stopping.when_asked()


@signals.worker_process_init.connect
def tie_to_parent(**_: Any) -> None:
    """Ends a pool process when its worker ends, even if the worker was killed."""
    die_with_parent()


@signals.worker_process_shutdown.connect
def send_last_traces(**_: Any) -> None:
    """Exports the last spans: a pool process exits without Python's own clean-up."""
    tracing.shutdown()


@signals.task_postrun.connect
def forget_statements(**_: Any) -> None:
    """Frees memory: under DEBUG Django keeps the last 9,000 statements, with the records in them."""
    reset_queries()


@signals.task_postrun.connect
def clear_log_context(**_: Any) -> None:
    """Removes the task's ids from log lines, after Celery has logged its result."""
    logs.about()
