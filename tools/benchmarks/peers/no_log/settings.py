"""The gateway's settings with another WSGI application."""

from backend.settings import *  # noqa: F403

WSGI_APPLICATION = "tools.benchmarks.peers.no_log.wsgi.application"
