"""The periodic task that uploads pending attachments."""

from celery import shared_task

from attachments import uploads
from common.tasks import NoDatabase, database_needed


@shared_task(name="attachments.upload_pending", ignore_result=True, send_events=False, throws=(NoDatabase,))
def upload_pending() -> None:
    """Uploads some pending attachments, the oldest first."""
    with database_needed():
        uploads.upload_pending()
