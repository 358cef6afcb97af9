"""Records a span for each request that belongs to a trace: route, status and request id, but no query and no body.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

import atexit
import os
import threading
from http import HTTPStatus

from flask import Flask, Response, g, request
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from ml_server.logs import request_id

SERVICE = "ml-proxy-model-server"
SHUTDOWN_SECONDS = 2.0  # to send the remaining spans when the process ends


def trace_requests(app: Flask) -> None:
    """See `ml_server.tracing.trace_requests`."""
    tracer = _tracer()

    @app.before_request
    def start() -> None:
        parent = propagate.extract({name.lower(): value for name, value in request.headers.items()})
        if trace.get_current_span(parent).get_span_context().is_valid:
            g.span = _start_span(tracer, parent)

    @app.after_request
    def end(response: Response) -> Response:
        if span := g.get("span"):
            _set_status(span, response.status_code)
            response.call_on_close(span.end)
        return response


def _start_span(tracer: Tracer, parent: Context) -> Span:
    method, route = request.method, request.url_rule.rule if request.url_rule else ""
    attributes = {"http.request.method": method, "http.route": route, "ml_proxy.request_id": request_id()}
    return tracer.start_span(f"{method} {route}".strip(), context=parent, kind=SpanKind.SERVER, attributes=attributes)


def _set_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))


def _tracer() -> Tracer:
    for name in [name for name, value in os.environ.items() if name.startswith("OTEL_") and not value.strip()]:
        del os.environ[name]  # empty means unset in the specification, but this SDK uses some empty values
    detected = OTELResourceDetector().detect().attributes
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: SERVICE, **detected}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _shut_down_at_exit(provider)
    return provider.get_tracer("ml_server")


def _shut_down_at_exit(provider: TracerProvider) -> None:
    """Shuts down within a time limit, in a thread started now: Python can't start one while it exits."""
    exiting = threading.Event()

    def wait() -> None:
        exiting.wait()
        provider.shutdown()

    def end() -> None:
        exiting.set()
        closer.join(SHUTDOWN_SECONDS)

    closer = threading.Thread(target=wait, name="trace shutdown", daemon=True)
    closer.start()
    atexit.register(end)
