"""Spans of the rows that a worker writes: many traces end in one statement."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.trace import Link, Span, SpanKind

from common.tracing import exporter
from common.tracing.spans import context_of, fail, span

_refused: ContextVar[set[int] | None] = ContextVar("refused", default=None)


@contextmanager
def writing(origin: str, records: Iterable[tuple[int, str]]) -> Iterator[None]:
    """See `tracing.writing_rows`. A batch without a traced record has no span."""
    traceparents = dict(records)
    parents = {sequence: traceparent for sequence, traceparent in traceparents.items() if traceparent}
    if not parents:
        yield
        return
    token, started, failure = _refused.set(set()), time.time_ns(), ""
    with span("write batch", SpanKind.CONSUMER) as whole:
        whole.set_attribute("ml_proxy.origin", origin)
        whole.set_attribute("messaging.batch.message_count", len(traceparents))
        try:
            yield
        except Exception as exc:
            failure = type(exc).__qualname__
            raise
        finally:
            _tell_rows(parents, whole, origin, started, failure)
            _refused.reset(token)


def refused(sequence: int) -> None:
    """See `tracing.refused`."""
    if (found := _refused.get()) is not None:
        found.add(sequence)


def _tell_rows(parents: Mapping[int, str], whole: Span, origin: str, started: int, failure: str) -> None:
    """One statement writes them all, so each has the batch's time."""
    ended, quarantined = time.time_ns(), _refused.get() or ()
    for sequence, parent in parents.items():
        row = exporter.tracer().start_span(
            "write row",
            context=context_of(parent),
            attributes={"ml_proxy.origin": origin, "ml_proxy.sequence": sequence},
            links=[Link(whole.get_span_context())],
            start_time=started,
        )
        if failure or sequence in quarantined:
            fail(row, failure or "quarantined")
        row.end(ended)
