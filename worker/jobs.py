"""`celery -A worker.jobs worker --queues jobs,upkeep`: runs jobs and the periodic tasks."""

from worker.app import make_app

app = make_app("jobs", visibility_timeout=8 * 86400)  # longer than any message waits in a worker before it starts
app.conf.update(result_backend="django-db", result_extended=False, worker_prefetch_multiplier=1)
