"""Health of the gateway, part by part. Each app registers probes for its own parts.

Predictions need the required parts: the model server and space for the record. If another part is down, records wait in
the journal, and the gateway is degraded but still serves.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.db import Error

from common import beat_liveness, broker, database_checks
from common.bounded import Bounded
from common.database_errors import trouble
from common.exceptions import GatewayError

Status = Literal["ready", "degraded", "not ready"]
Probe = Callable[[], str | None]  # returns a detail, or raises `Down` or a `GatewayError`


class Down(Exception):
    """A part does not work. The message says what failed."""


@dataclass(frozen=True)
class Part:
    """The result of one probe: whether it succeeded, its milliseconds, and a detail."""

    ok: bool
    ms: float
    detail: str


@dataclass(frozen=True)
class _Registered:
    probe: Probe
    is_required: bool
    run: Bounded[Part]


PROBE_SECONDS = 3.0  # for all parts together; a part that hangs does not hold up the answer
_parts: dict[str, _Registered] = {}


def register(name: str, probe: Probe, *, is_required: bool = False) -> None:
    """Adds a part."""
    _parts[name] = _Registered(probe, is_required, Bounded(f"probe-{name}", lambda: _timed(probe)))


def check() -> tuple[Status, dict[str, Part]]:
    """The status of the gateway, and the result of each part. Probes all parts at the same time."""
    ends_at = time.monotonic() + PROBE_SECONDS
    for part in _parts.values():
        part.run.start()
    hangs = Part(ok=False, ms=PROBE_SECONDS * 1000, detail=f"It has not answered for {PROBE_SECONDS:g} s.")
    found = {name: part.run.result(ends_at) or hangs for name, part in _parts.items()}
    if not all(found[name].ok for name, part in _parts.items() if part.is_required):
        return "not ready", found
    return ("ready" if all(part.ok for part in found.values()) else "degraded"), found


def probe(name: str) -> Part:
    """The result of one part, by its name in the result of `check`."""
    return _timed(_parts[name].probe)


def database() -> None:
    """Checks that it answers, can hold every text, is migrated, and takes writes. Raises `Down`."""
    try:
        problem = database_checks.problem()
    except Error as exc:
        raise Down(f"The database {trouble(exc) or 'fails'} ({type(exc).__name__}).") from exc
    if problem:
        raise Down(f"The database {problem}.")


def redis() -> None:
    """Checks that Redis answers and takes writes. Raises `Down`."""
    try:
        broker.require_writes()
    except broker.BrokerUnavailable as exc:
        raise Down(str(exc)) from exc


def beat() -> None:
    """Checks that beat sends the periodic tasks. Raises `Down`."""
    try:
        beat_liveness.check()
    except (beat_liveness.NoBeat, broker.BrokerUnavailable) as exc:
        raise Down(str(exc)) from exc


def _timed(probe: Probe) -> Part:
    started = time.perf_counter()
    try:
        ok, detail = True, probe() or "answers"
    except (Down, GatewayError) as exc:
        ok, detail = False, str(exc)
    return Part(ok, round((time.perf_counter() - started) * 1000, 2), detail)
