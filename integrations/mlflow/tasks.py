"""The periodic task that sends the outbox to MLflow."""

from celery import shared_task

from common.tasks import NoDatabase, database_needed
from integrations.mlflow import follower


@shared_task(name="mlflow.follow", ignore_result=True, send_events=False, throws=(NoDatabase,))
def follow() -> None:
    """Sends waiting batches for some seconds."""
    with database_needed():
        follower.follow()
