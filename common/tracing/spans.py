"""Spans and the propagation of their context: to other servers in the configured format, to ours as W3C Trace Context.

https://www.w3.org/TR/trace-context/
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.tracing import exporter

P = ParamSpec("P")
T = TypeVar("T")

_w3c = TraceContextTextMapPropagator()


@contextmanager
def span(name: str, kind: SpanKind, parent: Context | None = None) -> Iterator[Span]:
    """A span that is current in the block. For an exception it records the class, never the text."""
    with exporter.tracer().start_as_current_span(
        name, context=parent, kind=kind, record_exception=False, set_status_on_exception=False
    ) as started:
        try:
            yield started
        except BaseException as exc:
            fail(started, type(exc).__qualname__)
            raise


def fail(failed: Span, kind: str) -> None:
    """Marks a span as failed; `kind` is an exception's class or a status."""
    failed.set_attribute("error.type", kind)
    failed.set_status(Status(StatusCode.ERROR))


def trace_step(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """See `common.tracing.trace_step`."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def traced(*args: P.args, **kwargs: P.kwargs) -> T:
            with span(name, SpanKind.INTERNAL):
                return function(*args, **kwargs)

        return traced

    return decorate


@contextmanager
def trace_task(task: str, traceparent: str) -> Iterator[None]:
    """See `common.tracing.trace_task`."""
    with span(f"run {task}", SpanKind.CONSUMER, context_of(traceparent)):
        yield


def current_traceparent() -> str:
    """See `common.tracing.current_traceparent`."""
    current = trace.get_current_span().get_span_context()
    carrier: dict[str, str] = {}
    if current.is_valid and current.trace_flags.sampled:
        _w3c.inject(carrier)
    return carrier.get("traceparent", "")


def context_of(traceparent: str) -> Context:
    """The context of a parent span in another process."""
    return _w3c.extract({"traceparent": traceparent})


def with_trace_context(fields: Mapping[str, str]) -> Mapping[str, str]:
    """See `common.tracing.with_trace_context`."""
    context: dict[str, str] = {}
    propagate.inject(context)
    if not context:
        return fields
    replaced = {"traceparent", "tracestate", *context}
    return {**{name: value for name, value in fields.items() if name.lower() not in replaced}, **context}
