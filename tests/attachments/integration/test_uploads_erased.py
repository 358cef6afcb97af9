"""Erased large inputs: no bytes stay, also during concurrent uploads."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from django.core.management import CommandError, call_command
from django.test import Client

from attachments import storage, uploads
from attachments.descriptors import Attachment
from attachments.models import PendingUpload
from attachments.tasks import upload_pending
from common.ids import uuid7
from ml_proxy.models import IdempotencyKey, InferenceLog
from ml_proxy.records import InferenceRecord
from ml_proxy.source import INFERENCES
from recording import erasure
from recording.batches import Batch
from recording.ingestion import write_batch
from recording.models import Disposition
from tests.support.gateway import predict
from tests.support.inference_rows import record_of
from tests.support.record_pipeline import publisher, take_messages, write_messages
from tests.support.stored_files import LARGE, files_in, storage_unavailable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


def test_it_erases_the_file_with_the_row(gateway: Client, process_records: Callable[[], None], folder: Path) -> None:
    predict(gateway, LARGE)
    with storage_unavailable(folder):
        predict(gateway, LARGE)
        process_records()
    assert PendingUpload.objects.count() == 2
    uploads._upload(PendingUpload.objects.order_by("key")[0].key)
    assert sum(erasure.erase(INFERENCES, erasure.matching(INFERENCES, patient="Lee"), "asked for")) == 2
    assert files_in(folder) == {}
    assert list((folder / "inputs").glob("*/*/*")) == []
    assert not PendingUpload.objects.exists()
    call_command("verify_log", "--no-progress")


def test_a_forged_quarantined_record_takes_no_file_of_another(
    gateway: Client, process_records: Callable[[], None], folder: Path
) -> None:
    """Inserted by SQL: it matches the name that is erased, and lists the file of somebody else's row."""
    predict(gateway, LARGE)
    process_records()
    uploads.upload_pending()
    row = InferenceLog.objects.get()
    record = record_of(row)
    assert isinstance(record, InferenceRecord)
    assert row.origin is not None
    forged = replace(record, id=uuid7(), patient_name="Victim").encode()
    Disposition.objects.create(
        origin=row.origin, sequence=99, kind="quarantined", payload=forged, digest=b"", seal=b"", disposition_seal=b""
    )
    assert erasure.erase_quarantined(INFERENCES, "asked for", patient="Victim") == (0, 1)
    assert list(files_in(folder).values()) == [LARGE]


def test_it_does_not_bring_back_the_file_of_an_erased_row(
    gateway: Client, broker: redis.Redis, tmp_path: Path, folder: Path
) -> None:
    predict(gateway, LARGE)
    publisher(tmp_path / "journal").step()
    [message] = take_messages(broker)
    write_batch(Batch.from_message(message))
    assert sum(erasure.erase(INFERENCES, erasure.matching(INFERENCES, patient="Lee"), "asked for")) == 1
    write_batch(Batch.from_message(message))
    assert uploads.upload_pending() == 0
    assert files_in(folder) == {}
    assert not InferenceLog.objects.exists()


def test_it_erases_a_file_before_its_upload(gateway: Client, broker: redis.Redis, tmp_path: Path, folder: Path) -> None:
    predict(gateway, LARGE)
    publisher(tmp_path / "journal").step()
    write_messages(broker)
    assert PendingUpload.objects.get().is_ready
    assert sum(erasure.erase(INFERENCES, erasure.matching(INFERENCES, patient="Lee"), "asked for")) == 1
    assert not PendingUpload.objects.exists()
    assert (uploads.upload_pending(), files_in(folder)) == (0, {})


def test_a_publisher_that_saw_the_record_before_its_erasure_brings_nothing_back(
    gateway: Client, broker: redis.Redis, tmp_path: Path, folder: Path
) -> None:
    """A restarted publisher finds the segment before the record is settled, and sends it after the erasure."""
    predict(gateway, LARGE)
    publisher(tmp_path / "journal").step()
    restarted = publisher(tmp_path / "journal")
    restarted._find_segments()
    write_messages(broker)
    assert sum(erasure.erase(INFERENCES, erasure.matching(INFERENCES, patient="Lee"), "asked for")) == 1
    restarted._send_new()
    write_messages(broker)
    assert PendingUpload.objects.count() == 1
    upload_pending()
    assert not PendingUpload.objects.exists()
    assert files_in(folder) == {}
    assert not InferenceLog.objects.exists()


def test_it_removes_a_file_uploaded_during_the_erasure(
    gateway: Client, process_records: Callable[[], None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict(gateway, LARGE)
    process_records()
    remove = uploads.remove

    def remove_and_put(listed: Sequence[Attachment]) -> None:
        remove(listed)
        if InferenceLog.objects.exists():
            storage.put(listed[0].key, LARGE)

    monkeypatch.setattr(uploads, "remove", remove_and_put)
    assert sum(erasure.erase(INFERENCES, erasure.matching(INFERENCES, patient="Lee"), "asked for")) == 1
    assert files_in(folder) == {}


def test_a_late_upload_for_an_erased_row_leaves_no_file(
    gateway: Client, process_records: Callable[[], None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict(gateway, LARGE)
    with storage_unavailable(folder):
        process_records()
    put = storage.put

    def erase_and_put(key: str, content: bytes) -> None:
        assert sum(erasure.erase(INFERENCES, erasure.matching(INFERENCES, patient="Lee"), "asked for")) == 1
        put(key, content)

    monkeypatch.setattr(storage, "put", erase_and_put)
    assert uploads.upload_pending() == 0
    assert files_in(folder) == {}
    assert not PendingUpload.objects.exists()


def test_it_erases_nothing_while_the_storage_is_down(
    gateway: Client, process_records: Callable[[], None], folder: Path
) -> None:
    predict(gateway, LARGE)
    process_records()
    with storage_unavailable(folder), pytest.raises(Exception, match="0 of 1 rows were erased: run it again"):
        call_command("erase", "--patient", "Lee", "--reason", "asked for", "--yes")
    assert InferenceLog.objects.count() == 1
    assert list(files_in(folder).values()) == [LARGE]


def test_it_erases_the_answer_of_an_idempotency_key(gateway: Client, process_records: Callable[[], None]) -> None:
    first = predict(gateway, LARGE, HTTP_IDEMPOTENCY_KEY="k")
    process_records()
    assert sum(erasure.erase(INFERENCES, erasure.matching(INFERENCES, patient="Lee"), "asked for")) == 1
    assert not IdempotencyKey.objects.exists()
    assert predict(gateway, LARGE, HTTP_IDEMPOTENCY_KEY="k")["X-Inference-ID"] != first["X-Inference-ID"]


def test_the_command_says_how_many_rows_it_erased_before_the_storage_failed(
    gateway: Client,
    process_records: Callable[[], None],
    folder: Path,
    broker: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its bar is not shown in a script, and counts nothing then."""
    predict(gateway)
    predict(gateway, LARGE)
    process_records()
    uploads.upload_pending()
    monkeypatch.setattr(erasure, "CHUNK_ROWS", 1)
    with storage_unavailable(folder), pytest.raises(CommandError, match="1 of 2 rows were erased: run it again"):
        call_command("erase", patient="Lee", reason="asked for", yes=True)
