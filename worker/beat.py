"""`celery -A worker.beat beat`: what happens by the clock. Flower looks through this application too."""

from ml_proxy import courier
from worker.app import make_app

app = make_app("beat")
app.conf.beat_schedule = {
    "forget-old-idempotency-keys": {
        "task": "worker.forget_old_keys",
        "schedule": 3600.0,  # seconds
        "options": {"queue": courier.JOBS_QUEUE, "expires": 3600},
    }
}
