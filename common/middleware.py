"""What every exchange gets: a request id, an answer for every exception, a line in the log."""

import logging
import re
import time
from collections.abc import Callable
from functools import lru_cache

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from common import metrics, tracing
from common.conf import settings
from common.exceptions import GatewayError
from common.ids import uuid7
from common.logs import current_request_id
from common.problem_details import answer, as_gateway_error, respond

access_log = logging.getLogger("ml_proxy.access")

_USABLE_ID = re.compile(r"[\x21-\x7e]{1,128}")
API_PREFIX = "/ml/"
FILES_PREFIX = "/ml/v1/files/"  # behind it stands a token, and whoever has that may read the file
BODILESS = frozenset({204, 304})
LONGEST_HOST = 260  # characters that are remembered: a name and a port; Django takes a port of any number of digits


class ExchangeMiddleware:
    """Names the exchange, keeps the name in every log line and answer, and logs method, path, status and time.

    The path alone: a query string may hold a patient's name. Nor the token that a path may end with.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = tracing.serving(get_response)
        metrics.prepare()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """One exchange."""
        started = time.perf_counter()
        metrics.begin_exchange()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _USABLE_ID.fullmatch(given) else str(uuid7())
        token = current_request_id.set(request_id)
        try:
            response = _refused_host(request) or self._get_response(request)
            response["X-Request-ID"] = request_id
            _set_length(response)
            elapsed = time.perf_counter() - started
            _log(request, response, elapsed * 1000)
            metrics.count_exchange(_route(request), request.method or "", response.status_code, elapsed)
        finally:
            current_request_id.reset(token)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer for what a plain view raised; what nobody foresaw on another page keeps Django's own."""
        if isinstance(exception, GatewayError) or request.path.startswith(API_PREFIX):
            return answer(exception, request)
        return None


def _refused_host(request: HttpRequest) -> HttpResponse | None:
    """An answer for a host that is not in ALLOWED_HOSTS: a page elsewhere may have given its name this address."""
    try:
        if request.path.startswith(API_PREFIX):
            host = request.META.get("HTTP_HOST", "")
            if 0 < len(host) <= LONGEST_HOST:
                _check_host(host, settings.DEBUG, *settings.ALLOWED_HOSTS)
            else:
                request.get_host()
    except DisallowedHost as exc:
        return respond(as_gateway_error(exc))
    return None


@lru_cache(maxsize=256)
def _check_host(host: str, *_: object) -> None:
    """Django's own check, under the settings given; what passed it is remembered. Raises `DisallowedHost`."""
    probe = HttpRequest()
    probe.META["HTTP_HOST"] = host
    probe.get_host()


def _route(request: HttpRequest) -> str:
    """The route's name, one of a few; a path may be anything that a caller thinks of."""
    found = request.resolver_match
    return found.view_name if found and found.url_name else "unknown"


def _log(request: HttpRequest, response: HttpResponse, milliseconds: float) -> None:
    method, status = request.method, response.status_code
    path = f"{FILES_PREFIX}***" if request.path.startswith(FILES_PREFIX) else ascii(request.path)[1:-1]
    told = {"method": method, "path": path, "status": status, "duration_ms": round(milliseconds, 1)}
    access_log.info("%s %s %s %.1f ms", method, path, status, milliseconds, extra=told)


def _set_length(response: HttpResponse) -> None:
    """Without a length the server would send the body in chunks."""
    if not response.streaming and "Content-Length" not in response and response.status_code not in BODILESS:
        response["Content-Length"] = str(len(response.content))
