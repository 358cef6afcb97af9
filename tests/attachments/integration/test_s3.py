"""Files in S3: stored, read, linked and removed, also while the server fails."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import redis
import requests
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from attachments import uploads
from attachments.models import PendingUpload
from attachments.storage import s3
from ml_proxy.models import InferenceLog
from ml_proxy.source import INFERENCES
from recording import erasure
from tests.ml_proxy.integration.test_multipart import IMAGE, NAMES, form
from tests.support.gateway import predict
from tests.support.model import Conversation, ScriptedModel
from tests.support.record_pipeline import publisher, write_messages
from tests.support.s3 import S3Server
from tests.support.stored_files import HISTORY, LARGE, PADDING_BYTES, get_inference, input_text

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(scope="module")
def shared_server() -> Iterator[S3Server]:
    made = S3Server()
    made.start()
    yield made
    made.kill()


@pytest.fixture(autouse=True)
def server(shared_server: S3Server, settings: Settings) -> S3Server:
    """A server with an empty bucket as the storage, and a size limit that a short text exceeds."""
    shared_server.bucket.objects.delete()
    settings.STORAGES = {**settings.STORAGES, "default": shared_server.storage()}
    settings.INLINE_MAX_BYTES = PADDING_BYTES
    return shared_server


def test_it_stores_an_input_and_reads_it_back(
    gateway: Client, process_records: Callable[[], None], server: S3Server
) -> None:
    answer = predict(gateway, LARGE)
    process_records()
    [row] = InferenceLog.objects.all()
    assert server.objects() == {f"inputs/{row.predicted_at:%Y/%m}/{row.id}/body.json": LARGE}
    assert input_text(gateway.get(f"{HISTORY}{answer['X-Inference-ID']}/").content) == LARGE


def test_it_returns_a_link_of_the_storage(
    gateway: Client, process_records: Callable[[], None], server: S3Server
) -> None:
    answer = predict(gateway, LARGE)
    process_records()
    [shown] = get_inference(gateway, answer["X-Inference-ID"])["files"]
    assert shown["url"].startswith(f"{server.url}/")
    assert parse_qs(urlsplit(shown["url"]).query)["X-Amz-Expires"] == ["60"]
    response = requests.get(shown["url"], timeout=60)
    assert (response.status_code, response.content) == (200, LARGE)
    assert response.headers["Content-Disposition"] == 'attachment; filename="body.json"'


@pytest.mark.usefixtures("server")
def test_a_link_of_the_storage_keeps_a_files_name(gateway: Client, process_records: Callable[[], None]) -> None:
    answer = predict(gateway, **form([*NAMES, ("파일", ("사진.png", "image/png", IMAGE))]))
    process_records()
    [shown] = get_inference(gateway, answer["X-Inference-ID"])["files"]
    assert shown["filename"] == "사진.png"
    response = requests.get(shown["url"], timeout=60)
    assert (response.status_code, response.content) == (200, IMAGE)
    assert f"filename*=utf-8''{quote('사진.png')}" in response.headers["Content-Disposition"]


def test_a_file_that_is_not_uploaded_yet_has_a_link_of_the_gateway(
    gateway: Client, broker: redis.Redis, tmp_path: Path
) -> None:
    answer = predict(gateway, LARGE)
    publisher(tmp_path / "journal").step()
    write_messages(broker)
    [shown] = get_inference(gateway, answer["X-Inference-ID"])["files"]
    assert gateway.get(shown["url"]).content == LARGE


def test_it_removes_the_file_of_an_erased_row(
    gateway: Client, process_records: Callable[[], None], server: S3Server
) -> None:
    predict(gateway, LARGE)
    process_records()
    assert sum(erasure.erase(INFERENCES, erasure.matching(INFERENCES, patient="Lee"), "asked for")) == 1
    assert server.objects() == {}


def test_it_loses_no_file_if_the_server_is_killed_and_restarted(
    gateway: Client, process_records: Callable[[], None], server: S3Server
) -> None:
    small, large = predict(gateway), predict(gateway, LARGE)
    server.kill()
    try:
        process_records()
        assert InferenceLog.objects.count() == 2
        shown = {row["id"]: row["input_data"] for row in gateway.get(HISTORY).json()}
        assert shown.keys() == {small["X-Inference-ID"], large["X-Inference-ID"]}
        assert shown[large["X-Inference-ID"]]["pad"] == "p" * PADDING_BYTES
        assert uploads.upload_pending() == 0
        with pytest.raises(Exception, match="0 of 2 rows were erased"):
            call_command("erase", "--before", "2999-01-01T00:00:00Z", "--reason", "x", "--yes", "--wait", "0")
    finally:
        server.start()
    assert uploads.upload_pending() == 1
    assert list(server.objects().values()) == [LARGE]
    assert not PendingUpload.objects.exists()
    assert input_text(gateway.get(f"{HISTORY}{large['X-Inference-ID']}/").content) == LARGE
    call_command("verify_log", "--no-progress")


def test_it_logs_the_error_code_of_the_storage(
    gateway: Client,
    process_records: Callable[[], None],
    server: S3Server,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": server.storage(bucket_name="nobody-s")}
    predict(gateway, LARGE)
    process_records()
    assert InferenceLog.objects.count() == PendingUpload.objects.count() == 1
    assert "NoSuchBucket" in caplog.text


@pytest.fixture
def hanging(server: S3Server, settings: Settings, shared_model: ScriptedModel) -> ScriptedModel:
    """A storage that accepts requests and never answers."""

    def hangs(_: Conversation) -> None:
        shared_model.gone.wait(60)

    shared_model.script = hangs
    settings.STORAGES = {**settings.STORAGES, "default": server.storage(endpoint_url=shared_model.url)}
    return shared_model


def test_it_serves_the_file_itself_if_the_storage_has_no_link(
    gateway: Client,
    process_records: Callable[[], None],
    server: S3Server,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = predict(gateway, LARGE)
    process_records()
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/no/such/file")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    settings.STORAGES = {**settings.STORAGES, "default": server.storage(access_key=None, secret_key=None)}
    [shown] = get_inference(gateway, answer["X-Inference-ID"])["files"]
    settings.STORAGES = {**settings.STORAGES, "default": server.storage()}
    assert gateway.get(shown["url"]).content == LARGE


def test_it_does_not_wait_long_for_a_hanging_storage(
    gateway: Client, process_records: Callable[[], None], hanging: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "READ_SECONDS", 0.1)
    for _ in range(3):
        predict(gateway, LARGE)
    process_records()
    assert InferenceLog.objects.count() == PendingUpload.objects.count() == 3
    assert len(hanging.requests) <= 2
