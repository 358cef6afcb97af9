"""Beat's schedule when the clock was wrong, and its report that it runs."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery.schedules import crontab
from pytest_django import Settings

from common import beat_liveness
from tests.support.network import free_port

DAY = timedelta(days=1)


@pytest.fixture
def scheduler(empty_redis: str, settings: Settings, tmp_path: Path) -> Iterator[Any]:
    from worker.beat import app  # noqa: PLC0415 - creates an application, which other tests must not see
    from worker.scheduler import Scheduler  # noqa: PLC0415

    settings.REDIS_URL = empty_redis
    made = Scheduler(app, schedule_filename=str(tmp_path / "schedule"))
    yield made
    made.close()


def waits(scheduler: Any) -> dict[str, float]:
    """Seconds until beat looks at each entry, in the order in which it looks."""
    return {event.entry.name: event.time - time.time() for event in sorted(scheduler._heap)}


def test_last_runs_that_lie_ahead_count_as_now(scheduler: Any) -> None:
    ahead = datetime.now(UTC) + DAY
    for entry in scheduler.schedule.values():
        entry.last_run_at = ahead
    assert 0 < scheduler.tick() <= beat_liveness.TICK_SECONDS
    assert all(entry.last_run_at < ahead for entry in scheduler.schedule.values())
    assert waits(scheduler)["sweep-jobs"] <= 5


def test_a_clock_that_is_set_back_while_it_runs_delays_no_entry(
    scheduler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as wrong:
        wrong.setattr(scheduler.app, "now", lambda: datetime.now(UTC) + DAY)
        for entry in scheduler.schedule.values():
            entry.last_run_at = scheduler.app.now()
        scheduler.tick()
        assert min(waits(scheduler).values()) > 80_000
    scheduler.tick()
    by_the_clock = {name for name, entry in scheduler.schedule.items() if isinstance(entry.schedule, crontab)}
    assert max(wait for name, wait in waits(scheduler).items() if name not in by_the_clock) <= 3600


def test_past_last_runs_are_kept(scheduler: Any) -> None:
    kept = {}
    for name, entry in scheduler.schedule.items():
        kept[name] = entry.last_run_at = scheduler.app.now() - timedelta(seconds=1)
    scheduler.tick()
    assert {name: entry.last_run_at for name, entry in scheduler.schedule.items()} == kept


def test_each_tick_reports_that_beat_runs(scheduler: Any, empty_redis: str) -> None:
    with pytest.raises(beat_liveness.NoBeat):
        beat_liveness.check()
    scheduler.tick()
    beat_liveness.check()
    with redis.Redis.from_url(empty_redis) as connection:
        assert beat_liveness.TICK_SECONDS < connection.ttl(beat_liveness.KEY) <= beat_liveness.SILENT_SECONDS


def test_it_ticks_on_while_redis_is_unavailable(scheduler: Any, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    assert scheduler.tick() <= beat_liveness.TICK_SECONDS


def test_beat_uses_it() -> None:
    from worker.beat import app  # noqa: PLC0415

    assert app.conf.beat_scheduler == "worker.scheduler:Scheduler"
