"""A span for each request that comes from within a trace: route, status, request id; never a query, never a body.

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
LAST_WORDS_SECONDS = 2.0  # for what is not yet sent when the process ends


def trace_requests(app: Flask) -> None:
    """See `ml_server.tracing`."""
    tracer = _tracer()

    @app.before_request
    def start() -> None:
        parent = propagate.extract({name.lower(): value for name, value in request.headers.items()})
        if trace.get_current_span(parent).get_span_context().is_valid:
            g.span = _started(tracer, parent)

    @app.after_request
    def end(response: Response) -> Response:
        if span := g.get("span"):
            _tell_status(span, response.status_code)
            response.call_on_close(span.end)
        return response


def _started(tracer: Tracer, parent: Context) -> Span:
    method, route = request.method, request.url_rule.rule if request.url_rule else ""
    told = {"http.request.method": method, "http.route": route, "ml_proxy.request_id": request_id()}
    return tracer.start_span(f"{method} {route}".strip(), context=parent, kind=SpanKind.SERVER, attributes=told)


def _tell_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))


def _tracer() -> Tracer:
    for name in [name for name, value in os.environ.items() if name.startswith("OTEL_") and not value.strip()]:
        del os.environ[name]  # the specification takes it for one that is not set; this SDK obeys some
    given = OTELResourceDetector().detect().attributes
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: SERVICE, **given}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _shut_down_at_exit(provider)
    return provider.get_tracer("ml_server")


def _shut_down_at_exit(provider: TracerProvider) -> None:
    """Bounded, in a thread that is there already: at Python's own end no new one can be started."""
    is_over = threading.Event()

    def wait() -> None:
        is_over.wait()
        provider.shutdown()

    def end() -> None:
        is_over.set()
        closer.join(LAST_WORDS_SECONDS)

    closer = threading.Thread(target=wait, name="last traces", daemon=True)
    closer.start()
    atexit.register(end)
