"""Retention: erases records that are older than `RETENTION_DAYS` says, in bounded steps. Tombstones keep the proof."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connection

from recording import erasure, sources

REASON = "its retention ended"
SECONDS = 600  # between two steps
MAX_ROWS = 20_000  # of one step: it shares the database with everything else


def erase_expired(max_rows: int = MAX_ROWS) -> dict[str, int]:
    """Erases expired records of each source with a retention; returns how many by source. What is left is for the next.

    Raises what `erasure.erase` raises.
    """
    erased: dict[str, int] = {}
    now = _now()
    for name, days in settings.RETENTION_DAYS.items():
        source, before = sources.named(name), now - timedelta(days=days)
        count, _ = erasure.erase_quarantined(source, REASON, before=before)
        for chunk in erasure.erase(source, erasure.matching(source, before=before), REASON):
            count += chunk
            if count >= max_rows:
                break
        erased[name] = count
    return erased


def _now() -> datetime:
    """By this machine's clock or PostgreSQL's, whichever is behind: one that is years ahead would erase everything."""
    now = datetime.now(UTC)
    if connection.vendor != "postgresql":
        return now
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        of_database: datetime = cursor.fetchone()[0]
    return min(now, of_database)


def check_sources(app_configs: Sequence[Any] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """A system check: each source in RETENTION_DAYS exists. A misspelt one would keep its records for ever."""
    known = [source.name for source in sources.registered()]
    return [
        checks.Error(
            f"RETENTION_DAYS names {name}, which is no record source.",
            hint=f"Name some of {', '.join(known)}.",
            id="recording.E001",
        )
        for name in settings.RETENTION_DAYS
        if name not in known
    ]
