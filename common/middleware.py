"""Gives every request a request id, a response for each exception, and a line in the access log."""

import logging
import re
import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from common import metrics, tracing
from common.access import current_request
from common.api_paths import ANY_HOST, is_api
from common.conf import settings
from common.database_errors import trouble
from common.exceptions import GatewayError
from common.ids import uuid7
from common.logs import current_request_id
from common.problem_details import answer, as_gateway_error, respond

access_log = logging.getLogger("ml_proxy.access")

_USABLE_ID = re.compile(r"[\x21-\x7e]{1,128}")
FILES_PREFIX = "/ml/v1/files/"  # a token follows, which allows anyone to read the file
PROBED = frozenset({"/healthz", "/readyz", "/metrics"})  # a monitor asks every few seconds; failures are logged
BODILESS = frozenset({204, 304})
MAX_HOST_LENGTH = 260  # characters of a cached host and port; Django accepts a port with any number of digits


class ExchangeMiddleware:
    """Sets the request id of all log lines and of the response, and logs method, path, status and time.

    It logs no query string, which may contain a patient's name, and no token of a file link.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = tracing.trace_requests(get_response)
        metrics.prepare()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handles one request."""
        started = time.perf_counter()
        metrics.begin_exchange()
        sent_id = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = sent_id if _USABLE_ID.fullmatch(sent_id) else str(uuid7())
        token = current_request_id.set(request_id)
        request_token = current_request.set(request)
        try:
            response = _refused_host(request) or self._get_response(request)
            response["X-Request-ID"] = request_id
            _set_length(response)
            elapsed = time.perf_counter() - started
            _log(request, response, elapsed * 1000)
            metrics.count_exchange(_route(request), request.method or "", response.status_code, elapsed)
        finally:
            current_request.reset(request_token)
            current_request_id.reset(token)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The response for an exception of a plain view. Django handles unexpected exceptions outside the API."""
        if is_api(request.path) or isinstance(exception, GatewayError) or trouble(exception):
            return answer(exception, request)
        return None


def _refused_host(request: HttpRequest) -> HttpResponse | None:
    """The response for a host that is not in ALLOWED_HOSTS, which prevents DNS rebinding."""
    try:
        if is_api(request.path) and request.path not in ANY_HOST:
            host = request.META.get("HTTP_HOST", "")
            if 0 < len(host) <= MAX_HOST_LENGTH:
                _check_host(host, settings.DEBUG, *settings.ALLOWED_HOSTS)
            else:
                request.get_host()
    except DisallowedHost as exc:
        return respond(as_gateway_error(exc))
    return None


@lru_cache(maxsize=256)
def _check_host(host: str, *_: object) -> None:
    """Django's own check, cached by host and settings. Raises `DisallowedHost`."""
    probe = HttpRequest()
    probe.META["HTTP_HOST"] = host
    probe.get_host()


def _route(request: HttpRequest) -> str:
    """The route's name. Metrics need few distinct values, and callers can invent paths."""
    found = request.resolver_match
    return found.view_name if found and found.url_name else "unknown"


def _log(request: HttpRequest, response: HttpResponse, milliseconds: float) -> None:
    method, status = request.method, response.status_code
    path = f"{FILES_PREFIX}***" if request.path.startswith(FILES_PREFIX) else ascii(request.path)[1:-1]
    fields = {"method": method, "path": path, "status": status, "duration_ms": round(milliseconds, 1)}
    level = logging.DEBUG if request.path in PROBED and status == HTTPStatus.OK else logging.INFO
    access_log.log(level, "%s %s %s %.1f ms", method, path, status, milliseconds, extra=fields)


def _set_length(response: HttpResponse) -> None:
    """Sets Content-Length; without it the server would send the body in chunks."""
    if not response.streaming and "Content-Length" not in response and response.status_code not in BODILESS:
        response["Content-Length"] = str(len(response.content))
