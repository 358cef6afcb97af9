"""Celery, for the broker and all workers; `worker` adds what differs by role."""

import os

from backend import env
from backend.settings.apps import TIME_ZONE
from backend.settings.machine import VAR_DIR
from backend.settings.services import REDIS_URL
from common.redis_server import address, celery_options

# Celery takes these instead of its settings, so some processes would use another Redis than others.
for _name in ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND"):
    if os.environ.get(_name):
        raise env.BadSetting(_name, "is set, and Celery would use it instead of REDIS_URL", "remove it, set REDIS_URL")

_redis = address.read(REDIS_URL)

# https://docs.celeryq.dev/en/stable/userguide/configuration.html
CELERY_BROKER_URL = celery_options.broker_url(_redis)
CELERY_BROKER_USE_SSL = celery_options.tls(_redis) or None
CELERY_BROKER_TRANSPORT_OPTIONS = celery_options.transport_options(_redis)  # `worker.app` adds keys of its role
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TASK_TRACK_STARTED = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_DB_REUSE_MAX = 10_000  # the default closes the database connection after every task

# Of a worker or beat that was asked to stop. Less than the time after which whoever asks kills it.
WORKER_STOP_SECONDS = env.number("WORKER_STOP_SECONDS", 20, minimum=1, maximum=86400, unit="seconds")
