"""`celery -A worker.logs worker --queues logs`: writes records into the database."""

from worker.app import make_app

app = make_app("logs", visibility_timeout=300)
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4)
