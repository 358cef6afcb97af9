"""The periodic task that uploads pending attachments."""

from celery import shared_task

from attachments import outbox, uploads
from common.tasks import NoDatabase, database_needed


@shared_task(name="attachments.upload_pending", ignore_result=True, send_events=False, throws=(NoDatabase,))
def upload_pending() -> None:
    """Uploads pending attachments, and deletes those that no row needs."""
    with database_needed():
        outbox.discard_leftovers()
        uploads.upload_pending()
