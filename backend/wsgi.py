"""The WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
application = get_wsgi_application()

# After the apps are ready: load the URLs now, so that the first request does not wait for them.
from backend import urls as urls  # noqa: E402, PLC0414
