"""The WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
application = get_wsgi_application()

# Only now, since the apps must be ready; the paths are loaded here so that no first caller waits for that.
from backend import urls as urls  # noqa: E402, PLC0414
