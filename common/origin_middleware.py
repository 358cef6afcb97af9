"""Keeps pages of other origins from acting in the name of the browser's user.

A browser adds credentials by itself: cookies, a remembered password, a client certificate, or just its place behind a
firewall. So whatever the credentials, a request that may change something must come from a page of this origin, of an
origin in CORS_ALLOWED_ORIGINS or CSRF_TRUSTED_ORIGINS, or not from a page at all. Browsers say which, in `Origin` and
`Sec-Fetch-Site`, and pages can't change these two.
"""

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils.http import is_same_domain

from common.conf import settings
from common.exceptions import CrossOrigin
from common.problem_details import respond

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
BEARER_CHALLENGE = 'Bearer realm="ML Proxy"'
OWN = frozenset({"same-origin", "none"})  # none: typed, or a bookmark


class OriginMiddleware:
    """Refuses requests from pages of other origins, and lets no browser remember a password for `Basic`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handles one request."""
        if request.method not in SAFE and (error := refusal(request)):
            return respond(error)
        response = self._get_response(request)
        if response.status_code == 401 and _is_browser(request):
            del response["WWW-Authenticate"]  # the model server may have sent several
            response["WWW-Authenticate"] = BEARER_CHALLENGE
        return response


def refusal(request: HttpRequest) -> CrossOrigin | None:
    """The error for a request that a page of a foreign origin sent, else None."""
    origin, site = request.META.get("HTTP_ORIGIN"), request.META.get("HTTP_SEC_FETCH_SITE")
    if origin is None:
        is_allowed = site is None or site in OWN
    else:
        is_allowed = _is_own(request, origin, site) or _is_trusted(
            origin, *settings.CORS_ALLOWED_ORIGINS, *settings.CSRF_TRUSTED_ORIGINS
        )
    if is_allowed:
        return None
    return CrossOrigin(
        f"A page of another origin ({(origin or 'not named')[:200]}) sent this. If its scripts may call the API, "
        "add the origin to CORS_ALLOWED_ORIGINS."
    )


def _is_own(request: HttpRequest, origin: str, site: str | None) -> bool:
    """Whether the origin is this gateway's. A proxy with TLS may hide the scheme; then the browser's word counts."""
    host = request._get_raw_host()  # type: ignore[attr-defined] # noqa: SLF001 - checks no ALLOWED_HOSTS
    if origin == f"{request.scheme}://{host}":
        return True
    return site == "same-origin" and origin in {f"https://{host}", f"http://{host}"}


@lru_cache(maxsize=256)
def _is_trusted(origin: str, *trusted: str) -> bool:
    if origin in trusted:
        return True
    found = urlsplit(origin)
    patterns = (urlsplit(each) for each in trusted if "*" in each)
    return any(
        found.scheme == each.scheme and is_same_domain(found.netloc, each.netloc.lstrip("*")) for each in patterns
    )


def _is_browser(request: HttpRequest) -> bool:
    """Whether a browser sent this: it would show a dialog for `Basic`, and add the password to every later request."""
    sent = request.META
    return "HTTP_SEC_FETCH_SITE" in sent or "HTTP_ORIGIN" in sent or "Mozilla/" in sent.get("HTTP_USER_AGENT", "")
