"""The Celery side: thin tasks, each of which calls one use case of `ml_proxy`.

`worker.logs` and `worker.jobs` are two applications for two kinds of work, `worker.beat` is the clock.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()  # before any of them: they import models
