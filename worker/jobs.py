"""`celery -A worker.jobs worker --queues jobs,upkeep`: runs jobs, long and few, and the periodic tasks."""

from worker.app import make_app

app = make_app("jobs", visibility_timeout=8 * 86400)  # of what a worker holds and has not begun
app.conf.update(result_backend="django-db", result_extended=False, worker_prefetch_multiplier=1)
