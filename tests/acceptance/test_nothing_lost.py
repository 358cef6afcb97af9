"""Every answered prediction becomes one row, even when processes crash. Real processes, real kills."""

from collections.abc import Callable

import pytest
import redis
import requests

from tests.acceptance.helpers.recording import answered, assert_all_are_rows
from tests.support.model import ScriptedModel
from tests.support.system import System
from tests.support.wait import until


@pytest.fixture
def system(make_system: Callable[..., System], model: ScriptedModel) -> System:
    made = make_system(ML_SERVER_URL=model.url, REPUBLISH_SECONDS="1")
    made.start("redis", "web", "publisher")
    return made


def test_it_answers_while_everything_behind_is_down_and_writes_later(system: System) -> None:
    system.kill("redis")
    ids = answered(system, 40)
    assert len(ids) == 40
    system.start("redis", "worker-logs", "beat")
    assert_all_are_rows(system, ids)
    until(lambda: requests.get(f"{system.url}/readyz", timeout=5).json()["status"] == "ready")


def test_it_publishes_a_killed_gateways_backlog_without_another_request(system: System) -> None:
    ids = answered(system, 40)
    for name in ("web", "redis"):
        system.kill(name)
    for path in (system.folder / "redis").rglob("*.aof"):
        path.unlink()
    system.start("redis", "web", "worker-logs")
    assert_all_are_rows(system, ids)


def test_it_writes_what_a_killed_worker_and_a_flushed_queue_had(system: System) -> None:
    system.start("worker-logs")
    ids = answered(system, 100)
    system.kill("worker-logs")
    ids |= answered(system, 100)
    with redis.Redis(port=int(system.environment["REDIS_PORT"])) as connection:
        connection.flushall()
    system.start("worker-logs")
    assert_all_are_rows(system, ids)


def test_it_deletes_segments_once_all_records_are_rows(system: System) -> None:
    system.start("worker-logs")
    ids = answered(system, 30)
    assert_all_are_rows(system, ids)
    system.kill("web")
    system.start("web")
    until(lambda: not list((system.folder / "journal").glob("*.segment")), what="an empty journal")
