"""Exports spans in batches, from a background thread; each process starts its own with its first span.

A slow or unavailable collector loses spans, but never delays a request: spans that do not fit the queue are dropped.
"""

import os
import threading
from multiprocessing.util import Finalize

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

SHUTDOWN_SECONDS = 2.0  # for the remaining spans when the process ends

service_name = "ml-proxy-gateway"


class _Exporter:
    """The exporter of one process. Its closer thread starts early, because no thread can start at interpreter exit."""

    def __init__(self) -> None:
        _remove_blank_variables()
        attributes = OTELResourceDetector().detect().attributes
        self._provider = TracerProvider(
            resource=Resource.create({SERVICE_NAME: service_name, **attributes}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.tracer = self._provider.get_tracer("ml_proxy")
        self._is_ending = threading.Event()
        self._closer = threading.Thread(target=self._close, name="trace export", daemon=True)
        self._closer.start()
        # `Finalize` also runs in forked children of `multiprocessing`, such as workers of granian; `atexit` does not.
        Finalize(None, self.end, exitpriority=0)

    def end(self) -> None:
        """Exports the remaining spans; loses those that need longer than `SHUTDOWN_SECONDS`."""
        self._is_ending.set()
        self._closer.join(SHUTDOWN_SECONDS)

    def _close(self) -> None:
        self._is_ending.wait()
        self._provider.shutdown()


def tracer() -> Tracer:
    """This process' tracer."""
    global _exporter  # noqa: PLW0603 - one a process
    with _guard:
        if _exporter is None:
            _exporter = _Exporter()
        return _exporter.tracer


def end() -> None:
    """Exports the remaining spans, for at most `SHUTDOWN_SECONDS`; later spans are not exported."""
    if _exporter is not None:
        _exporter.end()


def _remove_blank_variables() -> None:
    """Removes blank variables: the specification treats them as not set, this SDK does not always."""
    for name in [name for name, value in os.environ.items() if name.startswith("OTEL_") and not value.strip()]:
        del os.environ[name]


def _reset_after_fork() -> None:
    """In a forked child: the parent's threads do not exist, and its sockets must not be shared."""
    global _exporter, _guard
    _exporter, _guard = None, threading.Lock()


_exporter: _Exporter | None = None
_guard = threading.Lock()
os.register_at_fork(after_in_child=_reset_after_fork)
