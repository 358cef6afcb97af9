"""The WSGI application, as written by `django-admin startproject`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tools.benchmarks.peers.naive.settings")
application = get_wsgi_application()
