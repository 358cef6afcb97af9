"""Traces from browser to row, if the environment names a collector. Otherwise OpenTelemetry is not even loaded.

    browser ─▶ POST /ml/v1/predict/ ─┬▶ POST /api/v1/predict ─▶ the model server's spans
                                     └▶ append to journal ─▶ write row ⋯ linked to the worker's span of the batch

Spans contain routes, statuses, numbers and ids, but no query string, body or exception text. The variables are those of
OpenTelemetry: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/. If tracing is off, the
decorators return the function unchanged.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from common.tracing.protocols import Answered

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
OFF = {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none"}

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A", bound=Answered)


def is_configured(variables: Mapping[str, str]) -> bool:
    """Whether the variables name a collector and do not disable tracing."""
    values = {name: variables.get(name, "").strip().lower() for name in (*ENDPOINTS, *OFF)}
    return any(values[name] for name in ENDPOINTS) and not any(values[name] == off for name, off in OFF.items())


IS_ON = is_configured(os.environ)

if IS_ON:
    from common.tracing import exporter, http, rows, spans


@contextmanager
def hide_opentelemetry() -> Iterator[None]:
    """Hides OpenTelemetry from imports in the block, even if it is installed; for use while tracing is off."""
    if "opentelemetry" in sys.modules:
        yield
        return
    sys.modules["opentelemetry"] = None  # type: ignore[assignment] # the import system documents this
    try:
        yield
    finally:
        del sys.modules["opentelemetry"]


def name_service(name: str) -> None:
    """Sets the service name of this process, before its first span. The environment overrides it."""
    if IS_ON:
        exporter.service_name = name


def trace_requests(answer: "Callable[[HttpRequest], HttpResponse]") -> "Callable[[HttpRequest], HttpResponse]":
    """Adds a span to each API request, which continues the caller's trace."""
    return http.trace_requests(answer) if IS_ON else answer


def trace_calls(forward: Callable[P, A]) -> Callable[P, A]:
    """Adds a span to each call of the model server. The function's first two arguments are method and path."""
    return http.trace_calls(forward) if IS_ON else forward


def with_trace_context(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Header fields with the context of the current span; unchanged if there is none."""
    return spans.with_trace_context(fields) if IS_ON else fields


def trace_step(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Adds a span with this name to a function."""
    return spans.trace_step(name) if IS_ON else lambda function: function


def current_traceparent() -> str:
    """The current span as a W3C `traceparent`; blank if it is not exported."""
    return spans.current_traceparent() if IS_ON else ""


def trace_task(task: str, traceparent: str | None) -> AbstractContextManager[None]:
    """A span for a Celery task whose message has the header `traceparent`."""
    return spans.trace_task(task, traceparent) if IS_ON and traceparent else nullcontext()


def write_span(origin: str, records: Iterable[tuple[int, str]]) -> AbstractContextManager[None]:
    """Adds a span for the batch, and one for each traced record in the record's own trace.

    `records` has the number and the `traceparent` of each record of `origin`, blank for one that was not traced.
    """
    return rows.write_span(origin, records) if IS_ON else nullcontext()


def mark_refused(sequence: int) -> None:
    """Within `write_span`: marks that this record did not become a row."""
    if IS_ON:
        rows.mark_refused(sequence)


def shutdown() -> None:
    """Exports the remaining spans, within seconds. Only needed if a process exits without Python's clean-up."""
    if IS_ON:
        exporter.end()
