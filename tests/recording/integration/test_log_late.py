"""`/readyz` when records become rows late, for any reason."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from django.test import Client
from pytest_django import Settings

from common.ids import uuid7
from recording import backlog
from recording.journal import Spool, Writer, segment
from recording.publisher import journal_folder
from recording.seals import keyring
from tests.support.databases import with_database_down
from tests.support.network import free_port
from tests.support.record_pipeline import append, publisher, record, write_messages

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live_publisher")]

LATE = timedelta(seconds=90)


@pytest.fixture
def journal(gateway: Client, broker: redis.Redis) -> Path:
    return journal_folder()


@pytest.fixture
def late_writer(journal: Path) -> Callable[..., Writer]:
    """Makes an origin with records of these ages."""

    def make(*ages: timedelta, end: bool = True, size: int = 2) -> Writer:
        writer = Writer(journal, new_origin=uuid7, key=keyring().current, max_bytes=2**30, segment_bytes=2**20)
        for age in ages:
            append(writer, record(predicted_at=datetime.now(UTC) - age, input_data=f'"{"x" * size}"'))
        if end:
            writer.close()
        return writer

    return make


def log_part(gateway: Client) -> tuple[str, bool, str]:
    response = gateway.get("/readyz")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found["status"], found["parts"]["log"]["ok"], found["parts"]["log"]["detail"]


def test_it_is_ready_while_recent_records_wait(gateway: Client, late_writer: Callable[..., Writer]) -> None:
    assert log_part(gateway) == ("ready", True, "up to date")
    late_writer(timedelta(seconds=5))
    status, ok, detail = log_part(gateway)
    assert (status, ok) == ("ready", True)
    assert "bytes of records are not yet rows, the oldest for " in detail


def test_it_is_degraded_without_a_worker_and_recovers(
    gateway: Client, journal: Path, broker: redis.Redis, late_writer: Callable[..., Writer]
) -> None:
    writer = late_writer(LATE, end=False)
    publishing = publisher(journal)
    publishing.step()
    assert broker.llen("logs") == 1
    status, ok, detail = log_part(gateway)
    assert (status, ok) == ("degraded", False)
    assert re.search("the oldest for 9[0-9] s", detail)
    write_messages(broker)
    publishing.step()
    publishing.save_progress()
    assert Spool(journal).segments()
    assert log_part(gateway) == ("ready", True, "up to date")
    append(writer, record(predicted_at=datetime.now(UTC) - LATE))
    assert log_part(gateway)[0] == "degraded"
    writer.close()


def test_it_finds_the_oldest_record_in_any_origin_and_batch(
    gateway: Client, journal: Path, broker: redis.Redis, late_writer: Callable[..., Writer]
) -> None:
    """The first batch is confirmed, the second is not; another origin is younger."""
    late_writer(*[timedelta(hours=2)] * 200, LATE)
    late_writer(timedelta(seconds=1))
    publishing = publisher(journal)
    publishing.step()
    later = broker.lrange("logs", 0, -2)
    broker.ltrim("logs", -1, -1)
    write_messages(broker)
    assert len(later) == 2
    publishing.step()
    publishing.save_progress()
    assert re.search("the oldest for 9[0-9] s", log_part(gateway)[2])


def test_it_uses_neither_redis_nor_the_database(
    gateway: Client, late_writer: Callable[..., Writer], settings: Settings
) -> None:
    late_writer(LATE)
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    status, ok, detail = with_database_down(lambda: log_part(gateway))
    assert (status, ok) == ("degraded", False)
    assert re.search("the oldest for 9[0-9] s", detail)


def test_the_setting_defines_what_is_late(
    gateway: Client, late_writer: Callable[..., Writer], settings: Settings
) -> None:
    late_writer(LATE)
    settings.LOG_LATE_SECONDS = 120
    assert log_part(gateway)[:2] == ("ready", True)


ENDS = 16 * segment.BLOCK_BYTES  # bytes read of each file to find the end of its written part


def test_it_reads_little_of_a_long_backlog(journal: Path, late_writer: Callable[..., Writer]) -> None:
    for _ in range(30):
        late_writer(LATE, LATE, LATE, size=300_000)
    reader = psutil.Process()
    before = reader.io_counters().read_chars
    found = backlog.estimate(journal)
    assert reader.io_counters().read_chars - before < (backlog.MAX_SEGMENTS_READ + 1) * 310_000 + 30 * ENDS
    assert found.waiting_bytes > 30 * 3 * 300_000
    assert 90 <= found.oldest_seconds < 100
