"""Large inputs while the storage, the journal or the database fails."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import redis
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from attachments import descriptors, outbox, uploads
from attachments.models import PendingUpload
from common.broker import BrokerUnavailable
from common.ids import uuid7
from common.metrics import scrape as scraping
from ml_proxy.models import IdempotencyKey, InferenceLog
from ml_proxy.records import InferenceRecord
from recording import recorder, sources
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.journal import Entry, Spool
from recording.models import Disposition, Origin
from recording.quarantine import try_again
from recording.restoration import restore
from recording.seals import keyring
from tests.support.gateway import predict
from tests.support.inference_rows import NOON
from tests.support.metrics import Scrape
from tests.support.network import free_port
from tests.support.record_pipeline import publisher, record, take_messages, write_messages
from tests.support.stored_files import (
    HISTORY,
    LARGE,
    PADDING_BYTES,
    files_in,
    get_inference,
    input_text,
    storage_unavailable,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


def journaled(folder: Path) -> Entry:
    """The only entry of a journal."""
    spool = Spool(folder)
    [entry] = [entry for name in spool.segments() for entry in spool.entries(name)]
    return entry


def batch_of(entry: Entry) -> Batch:
    return Batch.of(uuid7(), "host", keyring().current.id, [entry])


@pytest.mark.parametrize("again", [False, True])
def test_redeliveries_make_one_row_with_one_file(
    gateway: Client, broker: redis.Redis, tmp_path: Path, folder: Path, again: bool
) -> None:
    predict(gateway, LARGE)
    publisher(tmp_path / "journal").step()
    [message] = take_messages(broker)
    for _ in range(1 + again):
        write_batch(Batch.from_message(message))
        uploads.upload_pending()
    [row] = InferenceLog.objects.all()
    assert [file.key for file in descriptors.read(row.files)] == list(files_in(folder))
    assert not PendingUpload.objects.exists()


def test_it_writes_the_row_without_the_storage_and_uploads_the_file_later(
    gateway: Client, process_records: Callable[[], None], folder: Path
) -> None:
    predict(gateway)
    large = predict(gateway, LARGE)
    predict(gateway)
    with storage_unavailable(folder):
        process_records()
        assert InferenceLog.objects.count() == 3
        assert Origin.objects.get().settled == "1-3"
        assert uploads.upload_pending() == 0
        shown = get_inference(gateway, large["X-Inference-ID"])
        assert shown["input_data"]["pad"] == "p" * PADDING_BYTES
        assert gateway.get(shown["files"][0]["url"]).content == LARGE
    assert uploads.upload_pending() == 1
    assert list(files_in(folder).values()) == [LARGE]
    assert not PendingUpload.objects.exists()
    assert input_text(gateway.get(f"{HISTORY}{large['X-Inference-ID']}/").content) == LARGE
    call_command("verify_log", "--no-progress")


def test_a_repeated_request_recovers_a_lost_record_with_its_file(
    gateway: Client, process_records: Callable[[], None], folder: Path
) -> None:
    """If a process exits before it journals the record, a repeated request still has everything to record it."""
    first = predict(gateway, LARGE, HTTP_IDEMPOTENCY_KEY="k")
    IdempotencyKey.objects.update(recorded=False)
    for segment in (folder.parent / "journal").glob("*.segment"):
        segment.unlink()
    recorder.reset()
    again = predict(gateway, LARGE, HTTP_IDEMPOTENCY_KEY="k")
    assert again["X-Inference-ID"] == first["X-Inference-ID"]
    process_records()
    assert list(files_in(folder).values()) == [LARGE]
    assert InferenceLog.objects.count() == 1


def test_it_writes_the_row_directly_without_a_journal(gateway: Client, folder: Path, settings: Settings) -> None:
    settings.VAR_DIR = folder.parent / "no-folder"
    settings.VAR_DIR.write_text("a file where the journal's folder should be")
    answer = predict(gateway, LARGE)
    assert answer.status_code == 200
    assert get_inference(gateway, answer["X-Inference-ID"])["input_data"]["pad"] == "p" * PADDING_BYTES
    uploads.upload_pending()
    assert list(files_in(folder).values()) == [LARGE]


def test_no_contents_travel_through_redis(gateway: Client, broker: redis.Redis, tmp_path: Path) -> None:
    predict(gateway, LARGE)
    publisher(tmp_path / "journal").step()
    [message] = take_messages(broker)
    [number] = Batch.from_message(message).records
    assert b64encode(LARGE)[:64] not in number.payload
    assert len(number.payload) < PADDING_BYTES
    assert InferenceRecord.decode(number.payload) == InferenceRecord.decode(journaled(tmp_path / "journal").payload)


def test_it_uploads_the_file_of_a_publisher_that_was_killed_before_it_sent_the_record(
    gateway: Client, broker: redis.Redis, tmp_path: Path, folder: Path, settings: Settings
) -> None:
    predict(gateway, LARGE)
    redis_url, settings.REDIS_URL = settings.REDIS_URL, f"redis://127.0.0.1:{free_port()}/0"
    with pytest.raises(BrokerUnavailable):
        publisher(tmp_path / "journal").step()
    assert PendingUpload.objects.count() == 1
    outbox.discard_leftovers()
    assert uploads.upload_pending() == 0
    settings.REDIS_URL = redis_url
    publisher(tmp_path / "journal").step()
    write_messages(broker)
    assert uploads.upload_pending() == 1
    assert list(files_in(folder).values()) == [LARGE]


def test_it_quarantines_contents_that_do_not_match_the_seal(gateway: Client, tmp_path: Path, folder: Path) -> None:
    predict(gateway, LARGE)
    entry = journaled(tmp_path / "journal")
    members = orjson.loads(entry.payload)
    assert members["contents"]
    broken = orjson.dumps({**members, "contents": ["eA=="]})
    batch = batch_of(entry._replace(payload=broken))
    assert sources.before_publish(batch) == batch
    write_batch(batch)
    assert Disposition.objects.get().reason == "its attachments are not those that were sealed"
    assert bytes(Disposition.objects.get().payload) == broken
    assert not PendingUpload.objects.exists()
    assert files_in(folder) == {}


def test_it_quarantines_a_record_whose_contents_are_gone(
    gateway: Client, process_records: Callable[[], None], broker: redis.Redis, tmp_path: Path
) -> None:
    predict(gateway)
    predict(gateway, LARGE)
    publisher(tmp_path / "journal").step()
    PendingUpload.objects.all().delete()
    write_messages(broker)
    assert Disposition.objects.get().reason == "its attachments are not those that were sealed"
    assert InferenceLog.objects.count() == 1


def quarantine_large(gateway: Client, process_records: Callable[[], None]) -> None:
    """The database refuses the second record, which has a file, for a cause that is gone afterwards."""
    predict(gateway)
    predict(gateway, LARGE)
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX mistake ON ml_proxy_inferencelog (doctor_name)")
        process_records()
        cursor.execute("DROP INDEX mistake")


def test_the_contents_of_a_quarantined_record_stay(
    gateway: Client, process_records: Callable[[], None], folder: Path
) -> None:
    quarantine_large(gateway, process_records)
    assert outbox.discard_leftovers() == 0
    assert (uploads.upload_pending(), files_in(folder)) == (0, {})
    assert PendingUpload.objects.count() == 1


def test_it_restores_a_row_with_its_file(gateway: Client, process_records: Callable[[], None], tmp_path: Path) -> None:
    answer = predict(gateway, LARGE)
    process_records()
    InferenceLog.objects.all().delete()
    (tmp_path / "files").rename(tmp_path / "lost")
    assert sum(restore(tmp_path / "journal")) == 1
    assert get_inference(gateway, answer["X-Inference-ID"])["input_data"]["pad"] == "p" * PADDING_BYTES
    assert uploads.upload_pending() == 1


def test_it_leaves_quarantine_with_its_file(gateway: Client, process_records: Callable[[], None], folder: Path) -> None:
    quarantine_large(gateway, process_records)
    assert try_again(Disposition.objects.get())
    uploads.upload_pending()
    assert list(files_in(folder).values()) == [LARGE]
    assert not PendingUpload.objects.exists()
    call_command("verify_log", "--no-progress")


@pytest.mark.django_db(transaction=True)  # a scrape reads in its own threads
def test_the_periodic_task_uploads_what_waits_and_metrics_show_it(
    gateway: Client, process_records: Callable[[], None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from attachments.tasks import upload_pending  # noqa: PLC0415 - models load once Django is set up

    monkeypatch.setattr(scraping, "FRESH_SECONDS", 0)
    monkeypatch.setattr(scraping, "PART_SECONDS", 20)  # a busy machine's parts are slow, not down
    predict(gateway, LARGE)
    with storage_unavailable(folder):
        process_records()
    PendingUpload.objects.update(created_at=NOON)
    scrape = Scrape.of(gateway.get("/metrics").content.decode())
    assert scrape.value("attachments_waiting") == 1
    assert (scrape.value("attachments_oldest_waiting_seconds") or 0) > 3600
    upload_pending()
    assert list(files_in(folder).values()) == [LARGE]
    scrape = Scrape.of(gateway.get("/metrics").content.decode())
    assert [scrape.value("attachments_waiting"), scrape.value("attachments_oldest_waiting_seconds")] == [0, 0]


def test_its_seal_covers_the_files() -> None:
    plain = record(id=uuid7())
    part = descriptors.Part("", "body.json", "application/json", LARGE)
    with_file = InferenceRecord(**{**vars(plain), "files": descriptors.describe(plain.id, [part])})
    other = InferenceRecord(**{**vars(plain), "files": descriptors.describe(plain.id, [part._replace(data=b"other")])})
    assert len({plain.content(), with_file.content(), other.content()}) == 3
