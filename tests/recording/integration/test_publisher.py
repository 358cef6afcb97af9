"""The publisher, with a real Redis and database. The tests write the batches from Redis as a worker does."""

import fcntl
import json
import time
from pathlib import Path

import pytest
import redis
from django.db import connection
from pytest_django import Settings

from common.broker import LOGS_QUEUE, BrokerUnavailable
from ml_proxy.models import InferenceLog
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.journal import Spool, Writer
from recording.journal.spool import BACKUP_LOCK_NAME
from recording.models import Disposition, Origin
from recording.publisher import Publisher, StopRequest, run
from recording.publisher.publisher import MAX_UNCONFIRMED
from recording.publisher.segment_reader import BATCH_RECORDS
from tests.support.network import free_port
from tests.support.record_pipeline import append, publisher, record, take_messages, write_messages

pytestmark = pytest.mark.django_db


def test_it_publishes_the_journal_and_removes_confirmed_segments(
    tmp_path: Path, writer: Writer, broker: redis.Redis
) -> None:
    made = [record() for _ in range(BATCH_RECORDS + 1)]
    for item in made:
        append(writer, item)
    writer.close()
    publishing = publisher(tmp_path)
    publishing.step()
    assert Spool(tmp_path).segments()
    assert broker.llen(LOGS_QUEUE) == 2
    write_messages(broker)
    publishing.step()
    assert set(InferenceLog.objects.values_list("id", flat=True)) == {item.id for item in made}
    assert not Spool(tmp_path).segments()
    assert Origin.objects.get().settled == f"1-{BATCH_RECORDS + 1}"


def test_it_removes_no_segment_while_a_backup_runs(tmp_path: Path, writer: Writer, broker: redis.Redis) -> None:
    append(writer, record())
    writer.close()
    publishing = publisher(tmp_path)
    with (tmp_path / BACKUP_LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        publishing.step()
        write_messages(broker)
        publishing.step()
        assert InferenceLog.objects.count() == 1
        assert len(Spool(tmp_path).segments()) == 1
    publishing.step()
    assert not Spool(tmp_path).segments()


def test_it_keeps_an_open_segment(tmp_path: Path, writer: Writer, broker: redis.Redis) -> None:
    append(writer, record())
    publishing = publisher(tmp_path)
    publishing.step()
    write_messages(broker)
    publishing.step()
    assert len(Spool(tmp_path).segments()) == 1
    assert not publishing.is_waiting
    append(writer, record())
    publishing.step()
    assert [message["first"] for message in take_messages(broker)] == [2]


def test_it_resends_the_batches_of_a_lost_queue(tmp_path: Path, writer: Writer, broker: redis.Redis) -> None:
    append(writer, record())
    publishing = publisher(tmp_path, republish_seconds=0)
    publishing.step()
    broker.flushall()
    publishing.step()
    write_messages(broker)
    publishing.step()
    assert InferenceLog.objects.count() == 1


def test_it_resends_a_lost_batch_while_others_are_queued(
    tmp_path: Path, writer: Writer, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load the queue is never empty."""
    monkeypatch.setattr("recording.publisher.publisher.CLOCK_SKEW_SECONDS", 0)
    publishing = publisher(tmp_path, republish_seconds=0)
    for _ in range(2):
        append(writer, record())
        publishing.step()
    assert [message["first"] for message in take_messages(broker, keep_last=1)] == [1]
    publishing.step()
    assert [message["first"] for message in take_messages(broker)] == [2, 1]


def test_it_does_not_resend_batches_that_are_still_queued(tmp_path: Path, writer: Writer, broker: redis.Redis) -> None:
    append(writer, record())
    publishing = publisher(tmp_path, republish_seconds=0)
    for _ in range(5):
        publishing.step()
    assert broker.llen(LOGS_QUEUE) == 1


class Clock:
    """A clock that steps: what `time.time` says is so many seconds ahead."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ahead: float) -> None:
        self.ahead, real = ahead, time.time
        monkeypatch.setattr(time, "time", lambda: real() + self.ahead)


def test_a_clock_that_steps_back_does_not_delay_a_lost_batch(
    tmp_path: Path, writer: Writer, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, publishing = Clock(monkeypatch, ahead=3600), publisher(tmp_path, republish_seconds=0)
    append(writer, record())
    publishing.step()
    clock.ahead = 0
    publishing.step()
    clock.ahead = 5  # seconds later
    append(writer, record())
    publishing.step()
    assert [message["first"] for message in take_messages(broker, keep_last=1)] == [1]
    publishing.step()
    assert [message["first"] for message in take_messages(broker)] == [2, 1]


def test_a_clock_that_steps_back_sends_nothing_again_that_is_still_queued(
    tmp_path: Path, writer: Writer, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a worker, Redis would fill up with copies."""
    clock, publishing = Clock(monkeypatch, ahead=3600), publisher(tmp_path, republish_seconds=0)
    for clock.ahead in (3600, 0):
        append(writer, record())
        publishing.step()
    for _ in range(5):
        publishing.step()
    assert [message["first"] for message in take_messages(broker)] == [1, 2]


def test_it_limits_unconfirmed_batches(tmp_path: Path, writer: Writer, broker: redis.Redis) -> None:
    item = record(input_data='{"x":"' + "y" * 2000 + '"}')
    for _ in range((MAX_UNCONFIRMED + 4) * BATCH_RECORDS):
        append(writer, item)
    publishing = publisher(tmp_path)
    for _ in range(3):
        publishing.step()
    assert broker.llen(LOGS_QUEUE) == MAX_UNCONFIRMED


def test_a_record_that_comes_twice_becomes_one_row(tmp_path: Path, writer: Writer, broker: redis.Redis) -> None:
    item = record()
    for _ in range(2):
        append(writer, item)
    publisher(tmp_path).step()
    [message] = take_messages(broker)
    for _ in range(2):
        write_batch(Batch.from_message(message))
    assert InferenceLog.objects.count() == 1
    assert list(Disposition.objects.values_list("sequence", "kind")) == [(2, "repeated")]
    assert Origin.objects.get().settled == "1-2"


def test_it_skips_records_confirmed_before_a_restart(tmp_path: Path, writer: Writer, broker: redis.Redis) -> None:
    for _ in range(3):
        append(writer, record())
    publisher(tmp_path).step()
    write_messages(broker)
    append(writer, record())
    publisher(tmp_path).step()
    assert [message["first"] for message in take_messages(broker)] == [4]


def test_it_loses_nothing_while_redis_is_down(
    tmp_path: Path, writer: Writer, broker: redis.Redis, settings: Settings
) -> None:
    append(writer, record())
    publishing = publisher(tmp_path)
    redis_url, settings.REDIS_URL = settings.REDIS_URL, f"redis://127.0.0.1:{free_port()}/0"
    with pytest.raises(BrokerUnavailable):
        publishing.step()
    settings.REDIS_URL = redis_url
    publishing.step()
    write_messages(broker)
    assert InferenceLog.objects.count() == 1


@pytest.mark.parametrize(
    "bad", [b"no json", b"{}", record(doctor_name="x" * 101).encode(), record(patient_name="a\0b").encode()]
)
def test_it_quarantines_a_bad_record_and_writes_its_neighbours(
    tmp_path: Path, writer: Writer, broker: redis.Redis, bad: bytes
) -> None:
    append(writer, record())
    writer.append(bad, b"")
    append(writer, record())
    publishing = publisher(tmp_path)
    publishing.step()
    write_messages(broker)
    publishing.step()
    assert InferenceLog.objects.count() == 2
    [kept] = Disposition.objects.all()
    assert (kept.kind, kept.sequence, bytes(kept.payload)) == ("quarantined", 2, bad)
    assert not publishing.is_waiting


def test_message_headers_hold_no_patient_name(tmp_path: Path, writer: Writer, broker: redis.Redis) -> None:
    append(writer, record(patient_name="MARKER"))
    publisher(tmp_path).step()
    [raw] = broker.lrange(LOGS_QUEUE, 0, -1)
    message = json.loads(raw)
    assert "MARKER" not in json.dumps(message["headers"])
    batch = Batch.from_message(json.loads(message["body"])[1])
    assert b"MARKER" in batch.records[0].payload


def test_it_collects_no_statements_under_debug(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VAR_DIR = tmp_path
    (tmp_path / "journal").mkdir()
    stop = StopRequest()

    def step(_: Publisher) -> None:
        Origin.objects.exists()
        assert connection.queries
        stop.set()

    monkeypatch.setattr(Publisher, "step", step)
    connection.force_debug_cursor = True
    try:
        run(stop)
        assert not connection.queries
    finally:
        connection.force_debug_cursor = False
        stop.close()
