"""`celery -A tests.support.short_visibility worker`: the worker for jobs, with a visibility timeout of one second."""

from worker.jobs import app

app.conf.broker_transport_options |= {
    "visibility_timeout": 1,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
