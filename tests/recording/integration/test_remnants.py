"""What is left of erased records in Redis."""

import time
from typing import Any

import pytest
import redis
from kombu import Connection
from pytest_django import Settings

from common import broker as messages
from common.broker import LOGS_QUEUE, LOGS_ROLE
from recording import remnants
from recording.batches import WRITE_RECORDS


@pytest.mark.parametrize("is_taken", [False, True])
def test_it_waits_for_messages_that_no_worker_has_begun(
    broker: redis.Redis, settings: Settings, is_taken: bool
) -> None:
    """A worker takes several ahead. If it is killed, they stay in Redis until another worker puts them back."""
    messages.send(WRITE_RECORDS, {}, queue=LOGS_QUEUE, shown_as="a synthetic batch")
    sent_before = time.time()
    options = {"unacked_key": messages.taken_key(LOGS_ROLE)}
    with Connection(settings.REDIS_URL, transport_options=options) as connection:
        channel: Any = connection.channel()
        taken = channel.basic_get(LOGS_QUEUE) if is_taken else None
        assert broker.llen(LOGS_QUEUE) == (0 if is_taken else 1)
        assert not remnants.wait_for_older_messages(sent_before, seconds=0)
        taken = taken or channel.basic_get(LOGS_QUEUE)
        channel.basic_ack(taken.delivery_tag)
        assert remnants.wait_for_older_messages(sent_before, seconds=0)
