"""Called where something happens. Never fails, and takes a few microseconds: predictions wait for it.

Labels hold route names, methods, statuses and words of this code alone: no path, no name, nothing that a caller said.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast

from django.conf import settings
from prometheus_client import Counter, Histogram, values

from common.metrics.process_metrics import Lives, lock_against_forks

Outcome = Literal["journaled", "direct", "withheld", "written", "quarantined", "repeated"]

OUTCOMES: tuple[Outcome, ...] = ("journaled", "direct", "withheld", "written", "quarantined", "repeated")
CALLS = ("predict", "status", "model-info")  # a retrain takes as long as its job tells
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
MILLISECONDS = (0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 7.5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000)
BUCKETS = tuple(milliseconds / 1000 for milliseconds in MILLISECONDS)
PREDICT = "predict"
PAUSE_SECONDS = 30.0  # between two tries to begin a life

log = logging.getLogger(__name__)

Counting = Callable[["_Instruments"], None]


class _Exchange:
    """What is to be counted at its end, all at once: every taking of the guard may be a wait for another thread."""

    __slots__ = ("counted", "model_seconds")

    def __init__(self) -> None:
        self.model_seconds = 0.0
        self.counted: list[Counting] = []


_exchange: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


class _Guard:
    """One thread counts at a time, and none while this process forks. What goes wrong with the files costs a count."""

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
            log.error("this process' counts can't be kept: %s", exc.strerror or exc)
        self._has_failed = True
        return True


class _Own:
    """This process' life, begun when it is first asked for; a forked child begins one of its own."""

    def __init__(self) -> None:
        self._life, self._descriptor = "", -1
        self._try_at = 0.0  # time.monotonic() seconds
        os.register_at_fork(after_in_child=self._forget)

    def name(self) -> str:
        """Raises `OSError`, and for a while does so at once: a prediction may be waiting."""
        if not self._life:
            if time.monotonic() < self._try_at:
                raise OSError("the metrics' folder could not be used a moment ago")
            self._try_at = time.monotonic() + PAUSE_SECONDS
            self._life, self._descriptor = Lives(Path(settings.METRICS_DIR)).begin()
        return self._life

    def _forget(self) -> None:
        if self._life:
            os.close(self._descriptor)  # it stays locked by the parent
        self._life, self._try_at = "", 0.0


class _Instruments:
    """All that is counted; values are there from the start, so that the first of a kind shows as an increase."""

    def __init__(self) -> None:
        # The client's seams: a value class that is told who counts, and where. Whoever only loads this, Flower for
        # one, keeps the client as it was.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)
        client = cast("Any", values)
        client.ValueClass = client.MultiProcessValue(_own.name)
        labels = ["view", "method", "status"]
        self._requests = Counter("ml_proxy_requests", "Exchanges by route, method and status.", labels, registry=None)
        self._known: dict[tuple[str, str, int], Counter] = {}
        text = "The model server's time, in seconds, whatever came of it."
        self._upstream = Histogram("ml_proxy_upstream_seconds", text, ["call"], registry=None, buckets=BUCKETS)
        self._calls = {call: self._upstream.labels(call) for call in CALLS}
        text = "The gateway's own time for a prediction, in seconds: the exchange without the model server's time."
        self.added = Histogram("ml_proxy_added_seconds", text, registry=None, buckets=BUCKETS)
        text = "Records by what became of them: in the gateway journaled, direct, withheld; then the rest."
        records = Counter("ml_proxy_records", text, ["outcome"], registry=None)
        self.records = {outcome: records.labels(outcome) for outcome in OUTCOMES}
        batches = Counter("ml_proxy_batches", "Batches that the publisher sent.", ["sending"], registry=None)
        self.batches = {again: batches.labels("again" if again else "first") for again in (False, True)}
        self.request(PREDICT, "POST", 200)

    def request(self, view: str, method: str, status: int) -> Counter:
        """The counter of such exchanges."""
        key = view, method, status
        if key not in self._known:
            self._known[key] = self._requests.labels(view, method, status)
        return self._known[key]

    def add(self, became: Mapping[Outcome, int]) -> None:
        """More records, by what became of them."""
        for outcome, number in became.items():
            self.records[outcome].inc(number)

    def upstream(self, call: str) -> Histogram:
        """The histogram of such calls."""
        if call not in self._calls:
            self._calls[call] = self._upstream.labels(call)
        return self._calls[call]


_own = _Own()
_guard = _Guard()
_instruments = cache(_Instruments)


def prepare() -> None:
    """Makes this process' counters, so that no caller waits for that."""
    with _guard:
        _instruments()


def begin_exchange() -> None:
    """What this thread counts from here on is this exchange's."""
    _exchange.set(_Exchange())


def count_exchange(view: str, method: str, status: int, seconds: float) -> None:
    """One exchange with a caller, from its beginning to its answer; `view` is a route's name."""
    exchange = _exchange.get() or _Exchange()
    _exchange.set(None)
    with _guard:
        made = _instruments()
        for count in exchange.counted:
            count(made)
        made.request(view, method if method in METHODS else "other", status).inc()
        if view == PREDICT and exchange.model_seconds:
            made.added.observe(max(seconds - exchange.model_seconds, 0.0))


class ModelTime:
    """Counts what runs in its block as one exchange with the model server; `call` is a path that this code asks for."""

    __slots__ = ("_call", "_started")

    def __init__(self, call: str) -> None:
        self._call = call

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self._started
        if exchange := _exchange.get():
            exchange.model_seconds += seconds
        _count(lambda made: made.upstream(self._call).observe(seconds))


def count_records(became: Mapping[Outcome, int]) -> None:
    """Records, by what became of them."""
    _count(lambda made: made.add(became))


def count_batch(*, again: bool) -> None:
    """One batch that Redis took."""
    _count(lambda made: made.batches[again].inc())


def _count(count: Counting) -> None:
    """At the end of the exchange, or now where there is none."""
    if exchange := _exchange.get():
        exchange.counted.append(count)
    else:
        with _guard:
            count(_instruments())
