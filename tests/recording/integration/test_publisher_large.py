"""Large records hold up nobody: over a slow link, refused by Redis or the database, lost, or damaged."""

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.db import DataError
from pytest_django import Settings

from attachments import outbox
from attachments.descriptors import Part, describe
from attachments.models import PendingUpload
from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.journal import Spool, Writer
from recording.models import Origin
from recording.publisher import large_records
from recording.publisher.segment_reader import LARGE_BYTES
from recording.seals import keyring
from tests.support.record_pipeline import append, publisher, record, take_messages, write_messages
from tests.support.system import System
from tests.support.throttled_link import ThrottledLink, throttled_link
from tests.support.wait import until

pytestmark = pytest.mark.any_database

LINK = 12e6  # bytes a second: about 100 Mbit/s
PROMISED_SECONDS = 5.0  # for small records behind large ones
HUGE = 9 * 1024 * 1024  # bytes
SMALL, PLAIN, FILED = "small", "plain", "filed"  # patient names


def plain(size: int = LARGE_BYTES + 1) -> InferenceRecord:
    """A record with a large answer."""
    return record(patient_name=PLAIN, output_data=f'"{"y" * size}"')


def append_filed(writer: Writer, size: int) -> None:
    """Appends a record with an attachment, as the gateway does."""
    item = record(patient_name=FILED)
    content = b"p" * size
    files = describe(item.id, [Part("", "body.json", "application/json", content)])
    item = InferenceRecord(**{**vars(item), "files": files})
    writer.append(item.encode(contents=[content]), item.content())


@pytest.fixture
def system(make_system: Callable[..., System], settings: Settings) -> System:
    made = make_system(SEAL_KEY=settings.SEAL_KEY)
    made.start("redis")
    until(redis.Redis(port=int(made.environment["REDIS_PORT"])).ping, what="redis")
    return made


def rows(system: System, patient_name: str) -> int:
    [[count]] = system.sql(f"SELECT count(*) FROM ml_proxy_inferencelog WHERE patient_name = '{patient_name}'")  # noqa: S608
    return int(count)


def seconds_of_link(system: System, link: ThrottledLink, count: int) -> float:
    """How long the link has carried something until there are so many small rows; a busy machine is not at fault."""
    before = link.sent.total
    until(lambda: rows(system, SMALL) >= count, what=f"{count} small rows")
    return (link.sent.total - before) / LINK


def test_small_records_arrive_within_seconds_behind_large_ones_over_a_slow_link(system: System) -> None:
    writer = Writer(
        system.folder / "journal", new_origin=uuid4, key=keyring().current, max_bytes=2**30, segment_bytes=2**29
    )
    for _ in range(3):
        append_filed(writer, HUGE)
        append(writer, plain(HUGE))
        append(writer, plain(HUGE))
    for _ in range(20):
        append(writer, record(patient_name=SMALL))
    with throttled_link(int(system.environment["REDIS_PORT"]), LINK) as link:
        system.environment["REDIS_URL"] = f"redis://127.0.0.1:{link.port}/0"
        system.start("publisher")
        del system.environment["REDIS_URL"]
        system.start("worker-logs")
        assert seconds_of_link(system, link, 20) < PROMISED_SECONDS
        until(lambda: link.sent.total > HUGE, what="a large message")
        append(writer, record(patient_name=SMALL))
        assert seconds_of_link(system, link, 21) < PROMISED_SECONDS
        until(lambda: (rows(system, FILED), rows(system, PLAIN)) == (3, 6), what="the large rows")
        assert link.sent.total < 7 * HUGE * 16 / 9  # base64 twice; no contents of attachments
    writer.close()
    assert system.sql("SELECT count(*) FROM attachments_pendingupload WHERE is_ready")[0][0] == 3
    until(lambda: not list((system.folder / "journal").glob("*.segment")), what="an empty journal")


@pytest.mark.django_db
def test_it_sends_a_large_record_after_the_small_ones_of_its_segment(
    tmp_path: Path, writer: Writer, broker: redis.Redis
) -> None:
    for item in (record(), plain(), record(), plain(), record()):
        append(writer, item)
    writer.close()
    publisher(tmp_path).step()
    messages = take_messages(broker)
    assert [message["first"] for message in messages] == [1, 3, 5, 2, 4]
    for message in messages[:3]:
        write_batch(Batch.from_message(message))
    assert Origin.objects.get().settled == "1-1,3-3,5-5"
    restarted = publisher(tmp_path)
    restarted.step()
    assert [len(Spool(tmp_path).segments()), restarted.is_waiting] == [1, True]
    write_messages(broker)
    restarted.step()
    assert Origin.objects.get().settled == "1-5"
    assert [Spool(tmp_path).segments(), restarted.is_waiting] == [[], False]


@pytest.mark.django_db
def test_it_passes_over_a_record_that_redis_refuses(
    tmp_path: Path,
    writer: Writer,
    broker: redis.Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for item in (plain(2**20), record(), plain(), record()):
        append(writer, item)
    publishing = publisher(tmp_path)
    allowed = str(broker.config_get("proto-max-bulk-len")["proto-max-bulk-len"])
    broker.config_set("proto-max-bulk-len", 2**20)
    try:
        publishing.step()
        assert [message["first"] for message in take_messages(broker)] == [2, 4, 3]
        append(writer, record())
        publishing.step()
        assert [message["first"] for message in take_messages(broker)] == [5]
    finally:
        broker.config_set("proto-max-bulk-len", allowed)
    assert caplog.text.count("the large record 1 of ") == caplog.text.count("is passed over for 5 s") == 1
    [waiting] = publishing._large
    waiting.due_at = 0.0
    publishing.step()
    assert [message["first"] for message in take_messages(broker)] == [1]


def test_the_pause_grows_up_to_a_limit(tmp_path: Path, writer: Writer) -> None:
    append(writer, plain())
    [name] = Spool(tmp_path).segments()
    waiting = large_records.LargeRecord(name, 1, 0)
    assert [waiting.pass_over() for _ in range(8)] == [5, 10, 20, 40, 80, 160, 300, 300]


@pytest.mark.django_db
def test_it_passes_over_a_record_whose_contents_the_database_refuses(
    tmp_path: Path, writer: Writer, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_filed(writer, LARGE_BYTES)
    append(writer, plain())

    def refuse(pending: Sequence[PendingUpload]) -> None:
        if pending:
            raise DataError

    publishing = publisher(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_insert", refuse)
        publishing.step()
    assert [message["first"] for message in take_messages(broker)] == [2]
    publishing._large[0].due_at = 0.0
    publishing.step()
    write_messages(broker)
    assert InferenceLog.objects.get().patient_name == FILED
    assert PendingUpload.objects.get().is_ready


@pytest.mark.django_db
def test_it_sends_a_lost_large_record_again_after_the_small_ones(
    tmp_path: Path, writer: Writer, broker: redis.Redis
) -> None:
    append(writer, plain())
    publishing = publisher(tmp_path, republish_seconds=0)
    publishing.step()
    broker.flushall()
    append(writer, record())
    publishing.step()
    assert [message["first"] for message in take_messages(broker)] == [2, 1]


@pytest.mark.django_db
def test_it_keeps_a_segment_whose_large_record_is_damaged_before_its_turn(
    tmp_path: Path, writer: Writer, broker: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    append(writer, plain())
    append(writer, record())
    writer.close()
    publishing = publisher(tmp_path)
    publishing._find_segments()
    publishing._send_new()
    [path] = tmp_path.glob("*.segment")
    with path.open("r+b") as file:
        file.seek(LARGE_BYTES // 2)
        file.write(b"\0")
    publishing.step()
    write_messages(broker)
    publishing.step()
    assert "the large record 1 of " in caplog.text
    assert [each.name for each in tmp_path.glob("*.damaged")] == [path.with_suffix(".damaged").name]
    assert Origin.objects.get().settled == "2-2"
