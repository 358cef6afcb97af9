"""Messages to a real Redis: large ones over a slow link, and how long a send waits for a Redis that hangs."""

import json
import signal
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import redis
from pytest_django import Settings

from common import broker as sending
from common.broker import LOGS_QUEUE, WAIT_SECONDS, BrokerUnavailable
from tests.support.system import System
from tests.support.throttled_link import throttled_link
from tests.support.wait import DEADLINE_SECONDS, until

pytestmark = pytest.mark.any_database

LINK = 12e6  # bytes a second: about 100 Mbit/s
LARGE = "x" * 9 * 1024 * 1024


def send(text: str) -> None:
    sending.send("no.such.task", {"text": text}, queue=LOGS_QUEUE, shown_as="-")


def test_a_large_message_crosses_a_slow_link(broker: redis.Redis, settings: Settings) -> None:
    with throttled_link(urlsplit(settings.REDIS_URL).port or 0, LINK) as link:
        settings.REDIS_URL = f"redis://127.0.0.1:{link.port}/0"
        for text in (LARGE, "small"):
            send(text)
    taken = [json.loads(json.loads(raw)["body"]) for raw in broker.lrange(LOGS_QUEUE, 0, -1)]
    assert [arguments["text"] for _, arguments, _ in reversed(taken)] == [LARGE, "small"]


@pytest.mark.parametrize(
    ("mebibytes", "seconds"), [(0, 0.5), (0.3, 0.5), (1, 2), (9, 16)], ids=["tiny", "small", "1 MiB", "9 MiB"]
)
def test_the_wait_grows_with_the_size(mebibytes: float, seconds: float) -> None:
    assert sending._wait_seconds({"records": "x" * int(mebibytes * 2**20), "first": 1}) == seconds


def test_a_small_message_does_not_wait_long_for_a_redis_that_hangs(
    make_system: Callable[..., System], settings: Settings
) -> None:
    system = make_system()
    system.start("redis")
    settings.REDIS_URL = f"redis://127.0.0.1:{system.environment['REDIS_PORT']}/0"
    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        until(connection.ping, what="redis")
    send("small")
    [server] = [each for each in system.family("redis") if "redis-server" in each.name()]
    server.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            send("small")
        assert WAIT_SECONDS <= time.monotonic() - began < DEADLINE_SECONDS / 6
    finally:
        server.send_signal(signal.SIGCONT)
