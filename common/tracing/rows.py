"""Spans for the rows that a worker writes: one statement ends many traces."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.trace import Link, Span, SpanKind

from common.tracing import exporter
from common.tracing.spans import context_of, fail, span

_refused: ContextVar[set[int] | None] = ContextVar("refused", default=None)


@contextmanager
def write_span(origin: str, records: Iterable[tuple[int, str]]) -> Iterator[None]:
    """Implements `tracing.write_span`. A batch without a traced record has no span."""
    traceparents = dict(records)
    parents = {sequence: traceparent for sequence, traceparent in traceparents.items() if traceparent}
    if not parents:
        yield
        return
    token, started, failure = _refused.set(set()), time.time_ns(), ""
    with span("write batch", SpanKind.CONSUMER) as batch_span:
        batch_span.set_attribute("ml_proxy.origin", origin)
        batch_span.set_attribute("messaging.batch.message_count", len(traceparents))
        try:
            yield
        except Exception as exc:
            failure = type(exc).__qualname__
            raise
        finally:
            _add_row_spans(parents, batch_span, origin, started, failure)
            _refused.reset(token)


def mark_refused(sequence: int) -> None:
    """Implements `tracing.mark_refused`."""
    if (refused := _refused.get()) is not None:
        refused.add(sequence)


def _add_row_spans(parents: Mapping[int, str], batch_span: Span, origin: str, started: int, failure: str) -> None:
    """One statement writes all rows, so each span has the batch's start and end."""
    ended, quarantined = time.time_ns(), _refused.get() or ()
    for sequence, parent in parents.items():
        row = exporter.tracer().start_span(
            "write row",
            context=context_of(parent),
            attributes={"ml_proxy.origin": origin, "ml_proxy.sequence": sequence},
            links=[Link(batch_span.get_span_context())],
            start_time=started,
        )
        if failure or sequence in quarantined:
            fail(row, failure or "quarantined")
        row.end(ended)
