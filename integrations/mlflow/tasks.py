"""Sends to MLflow what it does not have yet."""

from celery import shared_task

from common.tasks import NoDatabase, database_needed
from integrations.mlflow import follower


@shared_task(name="mlflow.follow", ignore_result=True, send_events=False, throws=(NoDatabase,))
def follow() -> None:
    """For some seconds."""
    with database_needed():
        follower.follow()
