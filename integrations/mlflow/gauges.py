"""The gauges of the MLflow outbox."""

from django.db.models import Min, Q, Sum
from prometheus_client import Metric

from common.metrics.families import gauge, gauges_by, seconds_since
from integrations.mlflow.models import MlflowOutbox


def of_outbox() -> list[Metric]:
    """What waits to be sent, and what MLflow refused. Raises Django's database errors."""
    totals = MlflowOutbox.objects.aggregate(
        waiting=Sum("count", filter=Q(is_aside=False)),
        aside=Sum("count", filter=Q(is_aside=True)),
        oldest=Min("created_at", filter=Q(is_aside=False)),
    )
    oldest = seconds_since(totals.pop("oldest"))
    counts = {state: count or 0 for state, count in totals.items()}
    text = "Inferences and jobs that MLflow does not have; state aside: refused by MLflow."
    return [
        gauges_by("mlflow_waiting", text, "state", counts),
        gauge("mlflow_oldest_waiting_seconds", "The age of the oldest that waits for MLflow; 0 if none.", oldest),
    ]
