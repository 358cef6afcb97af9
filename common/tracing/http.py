"""Spans of HTTP exchanges: https://opentelemetry.io/docs/specs/semconv/http/http-spans/.

They contain the route of a URL, never the path that a caller sent.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from opentelemetry import propagate
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span, SpanKind

from common.logs import current_request_id
from common.tracing.protocols import Answered
from common.tracing.spans import fail, span

P = ParamSpec("P")
A = TypeVar("A", bound=Answered)

TRACED_PATHS = "/ml/"  # no probes and scrapes, which would outnumber the rest
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
PORTS = {"http": 80, "https": 443}


class _Meta(Getter[Mapping[str, Any]]):
    """Reads header fields from a WSGI environment."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        value = carrier.get(f"HTTP_{key.upper().replace('-', '_')}")
        return None if value is None else [str(value)]

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return [name[5:].replace("_", "-").lower() for name in carrier if name.startswith("HTTP_")]


_meta = _Meta()


def trace_requests(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """See `common.tracing.trace_requests`."""

    def traced(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(TRACED_PATHS):
            return answer(request)
        method = str(request.method) if request.method in METHODS else "HTTP"
        with span(method, SpanKind.SERVER, propagate.extract(request.META, getter=_meta)) as server:
            response = answer(request)
            _describe(server, method, request, response)
        return response

    return traced


def _describe(server: Span, method: str, request: HttpRequest, response: HttpResponse) -> None:
    if (match := request.resolver_match) and match.route:
        server.update_name(f"{method} /{match.route}")
        server.set_attribute("http.route", f"/{match.route}")
    if inference_id := response.get("X-Inference-ID"):
        server.set_attribute("ml_proxy.inference_id", inference_id)
    server.set_attribute("ml_proxy.request_id", current_request_id.get())
    server.set_attribute("http.request.method", "_OTHER" if method == "HTTP" else method)
    server.set_attribute("url.scheme", request.scheme or "http")
    _set_status(server, response.status_code, errors_from=500)


def trace_calls(forward: Callable[P, A]) -> Callable[P, A]:
    """See `common.tracing.trace_calls`."""

    @wraps(forward)
    def traced(*args: P.args, **kwargs: P.kwargs) -> A:
        method, path = f"{args[0]}", f"/api/v1/{args[1]}"
        with span(f"{method} {path}", SpanKind.CLIENT) as client:
            client.set_attribute("http.request.method", method)
            client.set_attributes(_server(path))
            answer = forward(*args, **kwargs)
            _set_status(client, answer.status, errors_from=400)
        return answer

    return traced


def _server(path: str) -> dict[str, str | int]:
    """The model server's address, without credentials in its URL."""
    parts = urlsplit(settings.ML_SERVER_URL)
    return {
        "url.full": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{path}",
        "server.address": parts.hostname or "",
        "server.port": parts.port or PORTS[parts.scheme],
    }


def _set_status(traced: Span, status: int, *, errors_from: int) -> None:
    traced.set_attribute("http.response.status_code", status)
    if status >= errors_from:
        fail(traced, str(status))
