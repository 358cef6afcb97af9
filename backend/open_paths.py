"""Who may read metrics, readiness in detail and the API's description: everybody, monitoring, or permitted users.

Monitoring is what has MONITORING_TOKEN as its bearer token, or an address in MONITORING_NETWORKS.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from hmac import compare_digest
from ipaddress import ip_address, ip_network
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException

from accounts.permissions import SIGNED_IN, authorize
from common import views
from common.client_address import client_address, is_loopback
from common.conf import settings
from common.exceptions import GatewayError
from common.origin_middleware import SAFE
from ml_proxy.permissions import VIEW_METRICS

View = Callable[..., HttpResponseBase]


def guarded(name: str, view: View, permission: str = SIGNED_IN) -> View:
    """The view, for permitted users and monitoring only, unless OPEN_PATHS has its name."""

    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in SAFE and not _is_open(request, name):
            authorize(request, permission)
        return view(request, *args, **kwargs)

    return guard


@csrf_exempt
def readyz(request: HttpRequest) -> HttpResponse:
    """`/readyz`: the status for everybody, and the parts for those who may see them."""
    return views.readyz(request, in_detail=_is_open(request, "readyz") or _is_permitted(request))


def _is_open(request: HttpRequest, name: str) -> bool:
    return name in settings.OPEN_PATHS or _has_token(request) or _is_in_network(request)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    expected: str = settings.MONITORING_TOKEN
    return expected != "" and scheme.lower() == "bearer" and compare_digest(token.strip().encode(), expected.encode())


def _is_in_network(request: HttpRequest) -> bool:
    """Whether the peer is in an allowed network. What came through a proxy of this machine is not from this machine."""
    address = client_address(request)
    if not address or not settings.MONITORING_NETWORKS:
        return False
    found = ip_address(address)
    if found.is_loopback and not is_loopback(request):
        return False
    return any(found in network for network in _networks(*settings.MONITORING_NETWORKS))


@lru_cache(maxsize=4)
def _networks(*texts: str) -> tuple[Any, ...]:
    return tuple(ip_network(text) for text in texts)


def _is_permitted(request: HttpRequest) -> bool:
    """Whether credentials were sent that may see the parts. Readiness is never refused, and needs no database."""
    if "HTTP_AUTHORIZATION" not in request.META and settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    try:
        return authorize(request).may(VIEW_METRICS)  # without the parts, nobody is refused anything
    except (APIException, GatewayError):
        return False
