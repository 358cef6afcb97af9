"""Counts events. Never raises, and takes a few microseconds, because predictions wait for it.

Labels are route names, methods, statuses and constants of this code only, never input of a caller.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, cast

from django.conf import settings
from prometheus_client import Counter, Histogram, values

from common.metrics.process_metrics import ProcessFiles, lock_against_forks

Outcome = Literal["journaled", "direct", "withheld", "written", "quarantined", "repeated"]

OUTCOMES: tuple[Outcome, ...] = ("journaled", "direct", "withheld", "written", "quarantined", "repeated")
# No retrain: its job shows its duration.
CALLS = ("predict", "status", "model-info", "models", "promote")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
MILLISECONDS = (0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 7.5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000)
BUCKETS = tuple(milliseconds / 1000 for milliseconds in MILLISECONDS)
SLOW_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300)  # seconds
PREDICT = "predict"
RETRY_SECONDS = 30.0  # between two attempts to create the files of this process

log = logging.getLogger(__name__)

Counting = Callable[["_Instruments"], None]


class ProviderCall(NamedTuple):
    """One call of a language model, or of a service for pictures. `service` and `outcome` are this code's words."""

    service: str
    outcome: str
    seconds: float
    tokens_in: int = 0
    tokens_out: int = 0


class _Exchange:
    """The counts of one exchange, added together at its end: each use of the lock may wait for another thread."""

    __slots__ = ("counted", "model_seconds")

    def __init__(self) -> None:
        self.model_seconds = 0.0
        self.counted: list[Counting] = []


_exchange: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


class _CountLock:
    """One thread counts at a time, and none during a fork. An error of the files loses a count, not the request."""

    def __init__(self) -> None:
        self._lock = lock_against_forks()
        self._has_failed = False

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> bool:
        self._lock.release()
        if not isinstance(exc, OSError):
            return False
        if not self._has_failed:
            log.error("cannot store the metrics of this process: %s", exc.strerror or exc)
        self._has_failed = True
        return True


class _OwnFiles:
    """The files of this process, created on first use; a forked child creates its own."""

    def __init__(self) -> None:
        self._name, self._descriptor = "", -1
        self._try_at = 0.0  # time.monotonic() seconds
        os.register_at_fork(after_in_child=self._forget)

    def name(self) -> str:
        """The name of this process' files. Raises `OSError`; repeats a failure for a while without a new attempt."""
        if not self._name:
            if time.monotonic() < self._try_at:
                raise OSError("the metrics folder was not usable a moment ago")
            self._try_at = time.monotonic() + RETRY_SECONDS
            self._name, self._descriptor = ProcessFiles(Path(settings.METRICS_DIR)).begin()
        return self._name

    def _forget(self) -> None:
        if self._name:
            os.close(self._descriptor)  # the parent keeps the lock
        self._name, self._try_at = "", 0.0


class _Instruments:
    """All counters. They start at 0, so that Prometheus sees the first count as an increase.

    Those of providers start with the first call of a service: only the engines know the names.
    """

    def __init__(self) -> None:
        # The client reads the folder from this variable and the process from its value class. This is not done on
        # import, because Flower imports this module and uses the client itself.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)
        client = cast("Any", values)
        client.ValueClass = client.MultiProcessValue(_own_files.name)
        labels = ["view", "method", "status"]
        self._requests = Counter("ml_proxy_requests", "Exchanges by route, method and status.", labels, registry=None)
        self._known: dict[tuple[str, str, int], Counter] = {}
        text = "The model server's time in seconds, failures included."
        self._upstream = Histogram("ml_proxy_upstream_seconds", text, ["call"], registry=None, buckets=BUCKETS)
        self._calls = {call: self._upstream.labels(call) for call in CALLS}
        text = "The gateway's own time for a prediction in seconds: the exchange without the model server's time."
        self.added = Histogram("ml_proxy_added_seconds", text, registry=None, buckets=BUCKETS)
        text = "Records by outcome: in the gateway journaled, direct, withheld; in the worker the others."
        records = Counter("ml_proxy_records", text, ["outcome"], registry=None)
        self.records = {outcome: records.labels(outcome) for outcome in OUTCOMES}
        batches = Counter("ml_proxy_batches", "Batches that the publisher sent.", ["sending"], registry=None)
        self.batches = {again: batches.labels("again" if again else "first") for again in (False, True)}
        text = "Calls of language models and of services for pictures, by outcome."
        self._provider_calls = Counter("ml_proxy_provider_calls", text, ["service", "outcome"], registry=None)
        text = "The time of these calls in seconds, failures included."
        self._provider = Histogram("ml_proxy_provider_seconds", text, ["service"], registry=None, buckets=SLOW_BUCKETS)
        text = "Tokens of these calls, as the provider counts them."
        self._provider_tokens = Counter("ml_proxy_provider_tokens", text, ["service", "direction"], registry=None)
        self.request(PREDICT, "POST", 200)

    def request(self, view: str, method: str, status: int) -> Counter:
        """The counter of exchanges with these labels."""
        key = view, method, status
        if key not in self._known:
            self._known[key] = self._requests.labels(view, method, status)
        return self._known[key]

    def add(self, outcomes: Mapping[Outcome, int]) -> None:
        """Adds records by outcome."""
        for outcome, number in outcomes.items():
            self.records[outcome].inc(number)

    def add_provider_call(self, call: "ProviderCall") -> None:
        """Adds one call of a provider."""
        self._provider_calls.labels(call.service, call.outcome).inc()
        self._provider.labels(call.service).observe(call.seconds)
        self._provider_tokens.labels(call.service, "in").inc(max(call.tokens_in, 0))
        self._provider_tokens.labels(call.service, "out").inc(max(call.tokens_out, 0))

    def upstream(self, call: str) -> Histogram:
        """The histogram of this call."""
        if call not in self._calls:
            self._calls[call] = self._upstream.labels(call)
        return self._calls[call]


_own_files = _OwnFiles()
_count_lock = _CountLock()
_instruments = cache(_Instruments)


def prepare() -> None:
    """Creates this process' counters, so that no request waits for that."""
    with _count_lock:
        _instruments()


def begin_exchange() -> None:
    """Starts an exchange: the counts of this thread belong to it."""
    _exchange.set(_Exchange())


def count_exchange(view: str, method: str, status: int, seconds: float) -> None:
    """Counts one exchange with a caller, which took `seconds`; `view` is a route's name."""
    exchange = _exchange.get() or _Exchange()
    _exchange.set(None)
    with _count_lock:
        instruments = _instruments()
        for count in exchange.counted:
            count(instruments)
        instruments.request(view, method if method in METHODS else "other", status).inc()
        if view == PREDICT and exchange.model_seconds:
            instruments.added.observe(max(seconds - exchange.model_seconds, 0.0))


class ModelTime:
    """Counts its block as one exchange with the model server; `call` is a path of the model server's API."""

    __slots__ = ("_call", "_started")

    def __init__(self, call: str) -> None:
        self._call = call

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self._started
        if exchange := _exchange.get():
            exchange.model_seconds += seconds
        _count(lambda instruments: instruments.upstream(self._call).observe(seconds))


def count_records(outcomes: Mapping[Outcome, int]) -> None:
    """Counts records by outcome."""
    _count(lambda instruments: instruments.add(outcomes))


def count_batch(*, again: bool) -> None:
    """Counts one batch that Redis accepted."""
    _count(lambda instruments: instruments.batches[again].inc())


def count_provider_call(call: ProviderCall) -> None:
    """Counts one call of a provider."""
    _count(lambda instruments: instruments.add_provider_call(call))


def _count(count: Counting) -> None:
    """Counts at the end of the exchange, or immediately if there is none."""
    if exchange := _exchange.get():
        exchange.counted.append(count)
    else:
        with _count_lock:
            count(_instruments())
