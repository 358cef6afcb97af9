"""The task that writes a row."""

from typing import Any

from tools.benchmarks.peers.naive.celery import app
from tools.benchmarks.peers.naive.models import Prediction


@app.task
def save_prediction(**fields: Any) -> None:
    """Writes one row."""
    Prediction.objects.create(**fields)
