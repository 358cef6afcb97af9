"""The Celery applications. They run the tasks that apps register in their `tasks` modules.

`worker.logs` writes records, `worker.jobs` runs jobs, and `worker.beat` sends the periodic tasks.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()  # before the applications, because tasks import models
