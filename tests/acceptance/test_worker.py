"""The worker: outages, wrong settings and invalid messages must not harm the log."""

from collections.abc import Callable

import pytest
import redis
from pytest_django import Settings

from common import broker
from recording.batches import WRITE_RECORDS
from recording.publisher.publisher import MAX_UNCONFIRMED
from tests.acceptance.helpers.recording import answered, assert_all_are_rows
from tests.support.model import ScriptedModel
from tests.support.network import free_port
from tests.support.system import System
from tests.support.wait import until

pytestmark = pytest.mark.any_database

ROUNDS = 3


@pytest.fixture
def system(make_system: Callable[..., System], model: ScriptedModel) -> System:
    made = make_system(ML_SERVER_URL=model.url, REPUBLISH_SECONDS="0.5")
    made.start("redis", "web", "publisher")
    return made


def restart_worker(system: System, **settings: str) -> None:
    """Restarts only the worker, with other settings."""
    common = system.environment
    system.environment = common | settings
    system.start("worker-logs")
    system.environment = common


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/none"}, "the database does not answer"),
        ({"SEAL_KEY": "a key that only this worker has, by mistake"}, "can't be written here and will be sent again"),
    ],
)
def test_it_neither_loses_nor_duplicates_records_while_it_can_t_write(
    system: System, settings: dict[str, str], says: str
) -> None:
    restart_worker(system, **settings)
    ids = answered(system, 120)
    assert len(ids) == 120
    waiting: list[int] = []
    with redis.Redis(port=int(system.environment["REDIS_PORT"])) as connection:

        def was_sent_again_and_again() -> bool:
            waiting.append(connection.llen(broker.LOGS_QUEUE) + connection.hlen("unacked.logs"))
            return system.log_of("publisher").count("are sent again") >= ROUNDS * MAX_UNCONFIRMED

        until(was_sent_again_and_again, what="several rounds of the outage")
    assert max(waiting) <= 2 * MAX_UNCONFIRMED
    assert says in system.log_of("worker-logs")
    assert "MARKER" not in system.log_of("worker-logs")
    system.kill("worker-logs")
    restart_worker(system)
    assert_all_are_rows(system, ids)


def test_it_drops_and_logs_invalid_messages_without_their_content(system: System, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{system.environment['REDIS_PORT']}/0"
    system.start("worker-logs")
    for kwargs in ({}, {"patient": "MARKER"}, {"origin": "MARKER", "host": 1, "key_id": [], "first": 1, "records": 5}):
        broker.send(WRITE_RECORDS, kwargs, queue=broker.LOGS_QUEUE, shown_as="-")
    broker.send("worker.no_such_task", {"patient": "MARKER"}, queue=broker.LOGS_QUEUE, shown_as="-")
    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        connection.lpush(broker.LOGS_QUEUE, b'{"body": "MARKER", "headers": {"task": "MARKER"}, "properties": {}}')
    ids = answered(system, 10)
    assert_all_are_rows(system, ids)
    # Three or more: the invalid message breaks the connection, and unacknowledged messages are delivered again.
    assert system.log_of("worker-logs").count("message dropped") >= 3
    assert "MARKER" not in system.log_of("worker-logs")
