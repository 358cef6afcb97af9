"""The checks of `check --deploy` for middleware: Django looks for its own classes by name, and this project derives."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.module_loading import import_string

from common.browser_middleware import SecurityHeadersMiddleware
from common.origin_middleware import OriginMiddleware

NEEDED = (SecurityHeadersMiddleware, OriginMiddleware, CsrfViewMiddleware)


def check_middleware(**_: Any) -> list[checks.CheckMessage]:
    """An error for each kind of protection that MIDDLEWARE lacks; a warning if HSTS is off."""
    listed = [found for found in map(import_string, settings.MIDDLEWARE) if isinstance(found, type)]
    missing = [kind.__name__ for kind in NEEDED if not any(issubclass(each, kind) for each in listed)]
    found: list[checks.CheckMessage] = [
        checks.Error(f"MIDDLEWARE has no {name}.", hint="Put it back, or a class derived from it.", id="ml_proxy.E002")
        for name in missing
    ]
    if not settings.SECURE_HSTS_SECONDS:
        found.append(checks.Warning("SECURE_HSTS_SECONDS is 0.", hint="Browsers may leave TLS.", id="ml_proxy.W001"))
    return found
