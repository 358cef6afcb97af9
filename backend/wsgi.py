"""The WSGI application."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup(set_prefix=False)

# Only now, since the apps must be ready; the paths are loaded here so that no first caller waits for that.
from backend import urls as urls  # noqa: E402, PLC0414
from common.straight import Handler  # noqa: E402

application = Handler()
