"""Whether the gateway can do its work, part by part.

Predictions need the model server and a place for the record. Redis and the database may be ill for a while: records
wait in the journal, so the gateway is degraded, not out of service. So it is where they wait too long.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from ml_proxy import courier, publisher, upstream
from ml_proxy.exceptions import NoRoom, ProxyError
from ml_proxy.use_cases import backlog, recording

PROBE_SECONDS = 2.0

Status = Literal["ready", "degraded", "not ready"]


class Ill(Exception):
    """A part does not work. Its text says what was tried."""


@dataclass(frozen=True)
class Part:
    """One part: whether it answered, in how many milliseconds, and what it said."""

    ok: bool
    ms: float
    detail: str


def check() -> tuple[Status, dict[str, Part]]:
    """The whole and its parts."""
    parts = {name: _timed(probe) for name, probe in _PROBES.items()}
    if not (parts["model"].ok and parts["journal"].ok):
        return "not ready", parts
    return ("ready" if all(part.ok for part in parts.values()) else "degraded"), parts


def probe(name: str) -> Part:
    """One part, by its name among those that `check` gives."""
    return _timed(_PROBES[name])


def _timed(probe: Callable[[], str | None]) -> Part:
    started = time.perf_counter()
    try:
        ok, detail = True, probe() or "answers"
    except (Ill, ProxyError) as exc:
        ok, detail = False, str(exc)
    return Part(ok, round((time.perf_counter() - started) * 1000, 2), detail)


def _model() -> None:
    seconds = min(PROBE_SECONDS, settings.UPSTREAM_TOTAL_SECONDS)
    answer = upstream.forward("GET", "status", fields={}, total_seconds=seconds)
    if not answer.is_success:
        raise Ill(f"The model server's status is {answer.status}.")


def _journal() -> None:
    try:
        with recording.Room(0):
            pass
    except NoRoom as exc:
        raise Ill("No room for records is left.") from exc


def _database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as exc:
        raise Ill(f"The database does not answer ({type(exc).__name__}).") from exc


def _redis() -> None:
    try:
        courier.waiting(courier.LOGS_QUEUE)
    except courier.CourierDown as exc:
        raise Ill(str(exc)) from exc


def _log() -> str:
    """Late rows are a symptom of whatever is ill behind the journal: publisher, Redis, worker or database."""
    try:
        found = backlog.glance(publisher.journal_folder())
    except OSError as exc:
        raise Ill(f"The journal can't be read ({type(exc).__name__}).") from exc
    waiting = f"{found.waiting_bytes} bytes of records wait to be rows, the oldest for {found.oldest_seconds:.0f} s"
    if found.oldest_seconds > settings.LOG_LATE_SECONDS:
        raise Ill(f"{waiting}: see whether a worker takes them.")
    return waiting if found.waiting_bytes else "up to date"


_PROBES: dict[str, Callable[[], str | None]] = {
    "model": _model,
    "journal": _journal,
    "database": _database,
    "redis": _redis,
    "log": _log,
}
