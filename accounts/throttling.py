"""Limits each caller's requests, by name or, if the caller is anonymous, by address."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.callers import caller_of
from common import rate_limits
from common.client_address import client_network
from common.conf import settings

DEFAULT_SCOPE = "api"


def limit(request: HttpRequest | Request, scope: str) -> None:
    """Counts an authenticated request. Raises `TooManyRequests`."""
    if scope in settings.RATE_LIMITS:
        rate_limits.spend(scope, caller_of(request).name or client_network(request))


class CallerThrottle(BaseThrottle):
    """Limits the views of Django REST framework; a view's `rate_limit` names its scope."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """True. Raises `TooManyRequests`."""
        limit(request, getattr(view, "rate_limit", DEFAULT_SCOPE))
        return True
