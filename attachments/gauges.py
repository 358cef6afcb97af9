"""What is measured of attachments at a scrape."""

from django.db.models import Count, Min
from prometheus_client import Metric

from attachments.models import PendingUpload
from common.metrics.families import gauge, seconds_since


def of_uploads() -> list[Metric]:
    """What waits for the storage. Raises Django's database errors."""
    found = PendingUpload.objects.aggregate(count=Count("pk"), oldest=Min("created_at"))
    oldest = seconds_since(found["oldest"])
    return [
        gauge("attachments_waiting", "Attachments that the storage did not take yet.", found["count"]),
        gauge("attachments_oldest_waiting_seconds", "The age of the oldest of them; 0 for none.", oldest),
    ]
