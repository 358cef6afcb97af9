"""Gauges of jobs and their webhooks, computed at each scrape."""

from django.db.models import Count, Min, Q
from prometheus_client import Metric

from common.metrics.families import gauges_by, seconds_since
from jobs.models import Job, WebhookDelivery


def of_jobs() -> list[Metric]:
    """Returns the counts by state and the age of the oldest active jobs. Raises Django's database errors."""
    oldest = Job.objects.filter(state__in=Job.ACTIVE).aggregate(
        queued=Min("queued_at", filter=Q(state=Job.State.QUEUED)),
        running=Min("started_at", filter=Q(state=Job.State.RUNNING)),
    )
    active = {state: seconds_since(moment) for state, moment in oldest.items()}
    return [
        gauges_by("jobs", "Jobs by state.", "state", _counted(Job)),
        gauges_by(
            "oldest_job_seconds", "How long the oldest job has been in this state; 0 if none is.", "state", active
        ),
        gauges_by("webhooks", "Webhooks of ended jobs, by state.", "state", _counted(WebhookDelivery)),
    ]


def _counted(model: type[Job] | type[WebhookDelivery]) -> dict[str, int]:
    counts = dict(model.objects.values_list("state").annotate(Count("pk")).order_by())
    return {state.value: counts.get(state, 0) for state in model.State}
