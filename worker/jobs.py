"""`celery -A worker.jobs worker --queues jobs`: long and few. Runs retrains, one at a time."""

from typing import Any
from uuid import UUID

from ml_proxy import courier
from ml_proxy.use_cases import idempotency, jobs
from worker.app import make_app

app = make_app("jobs", visibility_timeout=8 * 86400)  # beyond the longest job, so that none is delivered twice
app.conf.update(result_backend="django-db", result_extended=False, worker_prefetch_multiplier=1)


@app.task(name=courier.RUN_JOB)
def run_job(job_id: str) -> dict[str, Any]:
    """Runs one job; its result here is the state alone, the rest is the job's own."""
    return {"job": job_id, "state": jobs.run(UUID(job_id))}


@app.task(name="worker.forget_old_keys", ignore_result=True)
def forget_old_keys() -> None:
    """Removes idempotency keys that are past their day."""
    idempotency.forget_old_keys()
