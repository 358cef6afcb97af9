"""Celery tasks: the scheduled retrain, and the deletion of expired idempotency keys."""

from celery import shared_task

from common.tasks import NoDatabase, database_needed
from jobs import submission
from ml_proxy import idempotency
from ml_proxy.retrain.kind import RETRAIN


@shared_task(name="ml_proxy.start_retrain", ignore_result=True, throws=(NoDatabase,))
def start_retrain() -> None:
    """Starts the scheduled retrain."""
    with database_needed():
        submission.start_scheduled(RETRAIN)


@shared_task(name="ml_proxy.delete_old_idempotency_keys", ignore_result=True, throws=(NoDatabase,))
def delete_old_idempotency_keys() -> None:
    """Deletes expired idempotency keys of predictions."""
    with database_needed():
        idempotency.delete_old_keys()
