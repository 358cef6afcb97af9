"""`python -m tools.benchmarks.peers.naive.queueing COUNT`: queues tasks as the view would, with no requests."""

import json
import sys

import django

from tools.benchmarks.payload import ANSWER, BODY
from tools.benchmarks.peers.naive import celery  # noqa: F401 - names the settings


def fill(count: int) -> None:
    """Queues `count` tasks."""
    from tools.benchmarks.peers.naive.asking import fields_of  # noqa: PLC0415 - models load once Django is set up
    from tools.benchmarks.peers.naive.tasks import save_prediction  # noqa: PLC0415

    for _ in range(count):
        save_prediction.delay(**fields_of(json.loads(BODY), json.loads(ANSWER)))


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]))
