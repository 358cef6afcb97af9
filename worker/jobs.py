"""`celery -A worker.jobs worker --queues jobs,upkeep`: runs jobs and the periodic tasks."""

import os
from typing import Any

from celery import signals
from django.conf import settings

from worker.app import make_app

app = make_app("jobs", visibility_timeout=8 * 86400)  # longer than any message waits in a worker before it starts
app.conf.update(result_backend="django-db", result_extended=False, worker_prefetch_multiplier=1)


@signals.worker_process_init.connect
def give_way(**_: Any) -> None:
    """Lowers the priority of a pool process: pictures are decoded and drawn beside a gateway that must answer."""
    os.nice(settings.JOB_NICENESS)
