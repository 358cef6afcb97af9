"""The WSGI application; once it is loaded, this process takes part in publishing the journal."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
application = get_wsgi_application()

# Only now, since the apps must be ready; the paths are loaded here so that no first caller waits for that.
from backend import urls as urls  # noqa: E402, PLC0414
from ml_proxy.idle import spare_idle_requests  # noqa: E402
from ml_proxy.publisher import start_in_background  # noqa: E402

spare_idle_requests()
start_in_background()
