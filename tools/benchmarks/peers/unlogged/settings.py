"""The gateway's settings, but for the application that is served."""

from backend.settings import *  # noqa: F403

WSGI_APPLICATION = "tools.benchmarks.peers.unlogged.wsgi.application"
