"""Django settings, one module per concern. `.env.example` lists every variable with its unit.

The modules read the environment alone. A bad value stops the process with one line that names the variable and the fix.
"""

# ruff: noqa: F403 - a setting is any upper-case name of these modules
import sys

from backend import env

try:
    env.require_utf8()
    env.load_env_file()
    from backend.settings.access import *
    from backend.settings.apps import *
    from backend.settings.attachments import *
    from backend.settings.celery import *
    from backend.settings.databases import *
    from backend.settings.encryption import *
    from backend.settings.imaging import *
    from backend.settings.jobs import *
    from backend.settings.journal import *
    from backend.settings.limits import *
    from backend.settings.logging import *
    from backend.settings.machine import *
    from backend.settings.mlflow import *
    from backend.settings.monitoring import *
    from backend.settings.oidc import *
    from backend.settings.rate_limits import *
    from backend.settings.rest_framework import *
    from backend.settings.retention import *
    from backend.settings.security import *
    from backend.settings.services import *
    from backend.settings.sign_in import *
    from backend.settings.slow_callers import *
    from backend.settings.text_to_sql import *
    from backend.settings.tracing import *
    from backend.settings.webhooks import *
except env.BadSetting as exc:
    sys.exit(f"ml-proxy: {exc}")
