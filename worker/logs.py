"""`celery -A worker.logs worker --queues logs`: writes records into the database."""

from common.broker import LOGS_ROLE
from worker.app import make_app

app = make_app(LOGS_ROLE, visibility_timeout=300)
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4)
