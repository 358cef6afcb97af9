"""Sends spans, many at a time, from a thread that nobody waits for; each process makes its own for its first span.

A collector that is slow or away costs spans, never a request: what does not fit the queue is dropped.
"""

import os
import threading
from multiprocessing.util import Finalize

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

LAST_WORDS_SECONDS = 2.0  # for what is not yet sent when the process ends

service_name = "ml-proxy-gateway"


class _Exporter:
    """One process'. A thread waits for its end: at Python's own end no new one can be started."""

    def __init__(self) -> None:
        _forget_blanks()
        given = OTELResourceDetector().detect().attributes
        self._provider = TracerProvider(
            resource=Resource.create({SERVICE_NAME: service_name, **given}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.tracer = self._provider.get_tracer("ml_proxy")
        self._is_over = threading.Event()
        self._closer = threading.Thread(target=self._close, name="last traces", daemon=True)
        self._closer.start()
        # As `atexit`, and also in a forked child of `multiprocessing`, where that does nothing: a worker of granian's.
        Finalize(None, self.end, exitpriority=0)

    def end(self) -> None:
        """Sends the rest; what takes longer than `LAST_WORDS_SECONDS` is lost."""
        self._is_over.set()
        self._closer.join(LAST_WORDS_SECONDS)

    def _close(self) -> None:
        self._is_over.wait()
        self._provider.shutdown()


def tracer() -> Tracer:
    """This process' tracer."""
    global _exporter  # noqa: PLW0603 - one a process
    with _guard:
        if _exporter is None:
            _exporter = _Exporter()
        return _exporter.tracer


def end() -> None:
    """Sends what this process has not yet sent, for at most `LAST_WORDS_SECONDS`; there are no spans afterwards."""
    if _exporter is not None:
        _exporter.end()


def _forget_blanks() -> None:
    """The specification takes a blank variable for one that is not set; this SDK warns of some and obeys others."""
    for name in [name for name, value in os.environ.items() if name.startswith("OTEL_") and not value.strip()]:
        del os.environ[name]


def _forget_parents() -> None:
    """In a forked child: its parent's threads are not there, its sockets are not to be shared."""
    global _exporter, _guard
    _exporter, _guard = None, threading.Lock()


_exporter: _Exporter | None = None
_guard = threading.Lock()
os.register_at_fork(after_in_child=_forget_parents)
