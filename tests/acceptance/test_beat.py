"""Beat in a process of its own: a wrong clock does not stop it, and `/readyz` shows whether it runs."""

import shelve
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import requests

from common import beat_liveness, broker
from tests.support.system import System
from tests.support.wait import until

pytestmark = pytest.mark.any_database

SWEEP = b"jobs.sweep"


@pytest.fixture
def system(make_system: Callable[..., System]) -> System:
    made = make_system(JOB_SWEEP_SECONDS="0.3")
    made.start("redis", "beat")
    return made


def sweeps(system: System) -> int:
    """How many sweeps wait in Redis."""
    with redis.Redis(port=int(system.environment["REDIS_PORT"])) as connection:
        return sum(SWEEP in message for message in connection.lrange(broker.UPKEEP_QUEUE, 0, -1))


def flush(system: System) -> None:
    with redis.Redis(port=int(system.environment["REDIS_PORT"])) as connection:
        connection.flushall()


def beat_part(system: System) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{system.url}/readyz", timeout=60).json()["parts"]["beat"]
    return found


def test_it_sends_although_its_last_runs_lie_a_day_ahead(system: System) -> None:
    until(lambda: sweeps(system), what="a sweep")
    system.kill("beat", signal.SIGTERM)
    ahead = datetime.now(UTC) + timedelta(days=1)
    with shelve.open(system.folder / "celerybeat-schedule", writeback=True) as kept:  # noqa: S301 - beat wrote it
        for entry in kept["entries"].values():
            entry.last_run_at = ahead
    flush(system)
    system.start("beat")
    until(lambda: sweeps(system), what="a sweep")
    assert "the last run of sweep-jobs lies ahead" in system.log_of("beat")


def test_readyz_names_it_when_it_does_not_run(system: System) -> None:
    system.start("web")
    until(lambda: beat_part(system)["ok"], what="beat")
    system.kill("beat")
    with redis.Redis(port=int(system.environment["REDIS_PORT"])) as connection:
        assert 0 < connection.ttl(beat_liveness.KEY) <= beat_liveness.SILENT_SECONDS
    flush(system)  # instead of waiting until the key expires
    assert not beat_part(system)["ok"]
    assert beat_part(system)["detail"].startswith("Beat has not run for 60 s")
    system.start("beat")
    until(lambda: beat_part(system)["ok"], what="beat")
    flush(system)
    until(lambda: beat_part(system)["ok"], what="beat, after Redis was emptied")
