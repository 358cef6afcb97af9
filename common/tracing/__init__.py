"""Traces from browser to row, where the environment says whereto; where it does not, OpenTelemetry is not even loaded.

    browser ─▶ POST /ml/v1/predict/ ─┬▶ POST /api/v1/predict ─▶ the model server's own
                                     └▶ append to journal ─▶ write row ⋯ linked to the worker's span of its batch

A span tells routes, statuses, numbers and ids: no query string, no body, no text of an exception. The variables are
OpenTelemetry's: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/. What is decorated
here while tracing is off stays the function that it was.
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
    """Whether they name where traces go, and do not switch that off."""
    said = {name: variables.get(name, "").strip().lower() for name in (*ENDPOINTS, *OFF)}
    return any(said[name] for name in ENDPOINTS) and not any(said[name] == off for name, off in OFF.items())


IS_ON = is_configured(os.environ)

if IS_ON:
    from common.tracing import exporter, http, rows, spans


@contextmanager
def unseen() -> Iterator[None]:
    """While tracing is off: what is imported in the block finds no OpenTelemetry, even where it is installed."""
    if "opentelemetry" in sys.modules:
        yield
        return
    sys.modules["opentelemetry"] = None  # type: ignore[assignment] # what the import system documents for this
    try:
        yield
    finally:
        del sys.modules["opentelemetry"]


def name_service(name: str) -> None:
    """What this process' spans say they come from, unless the environment says another; before the first span."""
    if IS_ON:
        exporter.service_name = name


def serving(answer: "Callable[[HttpRequest], HttpResponse]") -> "Callable[[HttpRequest], HttpResponse]":
    """A span for each request of the API that `answer` answers; it continues the caller's trace."""
    return http.serving(answer) if IS_ON else answer


def calling(forward: Callable[P, A]) -> Callable[P, A]:
    """A span for each call of the model server; the function's first two arguments are the call's method and path."""
    return http.calling(forward) if IS_ON else forward


def carried(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Header fields for the next hop: with the current span's context, or as they came where there is none."""
    return spans.carried(fields) if IS_ON else fields


def step(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Gives a function a span of this name."""
    return spans.step(name) if IS_ON else lambda function: function


def here() -> str:
    """The current span as a W3C `traceparent`; blank where nothing of it is exported."""
    return spans.here() if IS_ON else ""


def working(task: str, traceparent: str | None) -> AbstractContextManager[None]:
    """A span for a task whose message came from within a trace, as its header `traceparent` tells."""
    return spans.working(task, traceparent) if IS_ON and traceparent else nullcontext()


def write_span(origin: str, records: Iterable[tuple[int, str]]) -> AbstractContextManager[None]:
    """Adds a span for the batch, and one for each traced record in the record's own trace.

    `records` has the number and the `traceparent` of each record of `origin`, blank for one that was not traced.
    """
    return rows.write_span(origin, records) if IS_ON else nullcontext()


def mark_refused(sequence: int) -> None:
    """Within `write_span`: marks that this record did not become a row."""
    if IS_ON:
        rows.mark_refused(sequence)


def end() -> None:
    """Sends what is not yet sent, within seconds. Not needed where a process ends as Python's do."""
    if IS_ON:
        exporter.end()
