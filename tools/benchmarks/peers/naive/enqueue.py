"""`python -m tools.benchmarks.peers.naive.enqueue COUNT`: queues tasks like the view, without requests."""

import json
import sys

import django

from tools.benchmarks.payload import ANSWER, BODY
from tools.benchmarks.peers.naive import celery  # noqa: F401 - sets DJANGO_SETTINGS_MODULE


def fill(count: int) -> None:
    """Queues `count` tasks."""
    from tools.benchmarks.peers.naive.model_client import row_fields  # noqa: PLC0415 - needs django.setup()
    from tools.benchmarks.peers.naive.tasks import save_prediction  # noqa: PLC0415

    for _ in range(count):
        save_prediction.delay(**row_fields(json.loads(BODY), json.loads(ANSWER)))


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]))
