"""Celery tasks: the scheduled retrain, and the deletion of what is expired or erased."""

import json

from celery import shared_task
from django.conf import settings

from common.tasks import NoDatabase, database_needed
from jobs import submission
from ml_proxy import idempotency, taught
from ml_proxy.retrain.kind import RETRAIN
from ml_proxy.retrain.requests import VERDICTS


@shared_task(name="ml_proxy.start_retrain", ignore_result=True, throws=(NoDatabase,))
def start_retrain() -> None:
    """Starts the scheduled retrain, which learns from verdicts unless RETRAIN_FROM_VERDICTS is 0."""
    body = {VERDICTS: settings.RETRAIN_FROM_VERDICTS}
    with database_needed():
        submission.start_scheduled(RETRAIN, json.dumps(body).encode())


@shared_task(name="ml_proxy.forget_erased", ignore_result=True, throws=(NoDatabase,))
def forget_erased() -> None:
    """Removes what was erased, or what a newer verdict replaced, from what the model server's versions were taught."""
    with database_needed():
        taught.forget_erased()


@shared_task(name="ml_proxy.delete_old_idempotency_keys", ignore_result=True, throws=(NoDatabase,))
def delete_old_idempotency_keys() -> None:
    """Deletes expired idempotency keys of predictions."""
    with database_needed():
        idempotency.delete_old_keys()
