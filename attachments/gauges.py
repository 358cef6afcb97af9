"""The gauges of attachments."""

from django.db.models import Count, Min
from prometheus_client import Metric

from attachments.models import PendingUpload
from common.metrics.families import gauge, seconds_since


def of_uploads() -> list[Metric]:
    """Attachments that wait for upload. Raises Django's database errors."""
    totals = PendingUpload.objects.filter(is_ready=True).aggregate(count=Count("pk"), oldest=Min("created_at"))
    oldest = seconds_since(totals["oldest"])
    return [
        gauge("attachments_waiting", "Attachments that wait for upload to the storage.", totals["count"]),
        gauge("attachments_oldest_waiting_seconds", "The oldest waiting attachment's age; 0 if none.", oldest),
    ]
