"""The Celery applications. They run the tasks that apps register in their modules `tasks`.

`worker.logs` and `worker.jobs` are two applications for two kinds of work, `worker.beat` sends the periodic tasks.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()  # before any of them: they import models
