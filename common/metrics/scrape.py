"""A scrape: the counts of all processes, and measurements of each part in a bounded time.

If a part is down, the scrape reports that and omits its metrics only. Apps register their parts, and their gauges from
the database.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from django.db import Error, connection, transaction
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from common import broker, database_checks, metrics
from common.bounded import Bounded
from common.broker import BrokerUnavailable
from common.exceptions import Unavailable
from common.metrics.families import gauges_by

FRESH_SECONDS = 2.0  # the maximum age of measurements
PART_SECONDS = 2.0  # the limit for all parts together

Measurement = tuple[bool, list[Metric]]
DOWN: Measurement = (False, [])

log = logging.getLogger(__name__)


def scrape(accept: str) -> tuple[bytes, str]:
    """The exposition in the format that `accept` asks for, and its media type. Raises `Unavailable`."""
    try:
        return _encoded(accept)
    except (TypeError, ValueError):  # the client fails on an invalid version or escaping
        return _encoded("")
    except OSError as exc:
        raise Unavailable(f"The metrics can't be read ({type(exc).__name__}).") from exc


def _encoded(accept: str) -> tuple[bytes, str]:
    encode, media_type = choose_encoder(accept)
    return encode(_registry), media_type


class _Part:
    """Measures one part in a thread of its own."""

    def __init__(self, name: str, measure: Callable[[], Measurement]) -> None:
        self._name = name
        self._measure = measure
        self._run = Bounded(f"scrape-{name}", self._measured)
        self.start = self._run.start

    def families(self, ends_at: float) -> list[Metric]:
        """The metrics measured before `ends_at` (`time.monotonic()` seconds), and whether the part is up."""
        up, families = self._run.result(ends_at) or DOWN
        text = f"1 if this part works: {self._name}."
        return [GaugeMetricFamily(f"ml_proxy_{self._name}_up", text, float(up)), *families]

    def _measured(self) -> Measurement:
        try:
            return self._measure()
        except (Error, BrokerUnavailable, OSError) as exc:
            log.warning("the scrape omits %s: %s", self._name, type(exc).__name__)
            return DOWN


class _Parts(Collector):
    """All parts, measured in parallel; scrapes within FRESH_SECONDS share one measurement."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._lock = threading.Lock()
        self._measured_at = -math.inf  # time.monotonic() seconds
        self._families: list[Metric] = []

    def add(self, part: _Part) -> None:
        """Adds a part."""
        self._parts.append(part)

    def collect(self) -> Iterable[Metric]:
        """The metrics of all parts."""
        with self._lock:
            if time.monotonic() - self._measured_at >= FRESH_SECONDS:
                self._families = self._measured()
                self._measured_at = time.monotonic()
            return self._families

    def _measured(self) -> list[Metric]:
        ends_at = time.monotonic() + PART_SECONDS
        for part in self._parts:
            part.start()
        return [family for part in self._parts for family in part.families(ends_at)]


STATEMENT_MILLISECONDS = 2000

_database_gauges: list[Callable[[], list[Metric]]] = []
_parts = _Parts()
_registry = CollectorRegistry()
_registry.register(metrics.Counts())
_registry.register(_parts)


def register_part(name: str, measure: Callable[[], Measurement]) -> None:
    """Registers a part. Each scrape measures whether it is up, and its metrics.

    `measure` may raise `BrokerUnavailable`, `OSError` or Django's database errors: then the part is down.
    """
    _parts.add(_Part(name, measure))


def register_gauges(measure: Callable[[], list[Metric]]) -> None:
    """Registers gauges from the database, for the part `database`."""
    _database_gauges.append(measure)


def of_database() -> Measurement:
    """Whether the database is usable, and all gauges from it. Raises Django's database errors."""
    with _limited_statements():
        is_usable = database_checks.problem() is None
        return is_usable, [family for measure in _database_gauges for family in measure()]


@contextmanager
def _limited_statements() -> Iterator[None]:
    """Limits the time of each statement, in a transaction: a pooler lends the session to other clients after it."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [STATEMENT_MILLISECONDS])
        yield


def _of_redis() -> Measurement:
    waiting = {queue: broker.waiting(queue) for queue in broker.QUEUES}
    return _takes_writes(), [gauges_by("queue_messages", "Messages that no worker has taken yet.", "queue", waiting)]


def _takes_writes() -> bool:
    try:
        broker.require_writes()
    except BrokerUnavailable:
        return False
    return True


register_part("redis", _of_redis)
register_part("database", of_database)
