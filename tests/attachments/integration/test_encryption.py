"""Stored files are encrypted with DATA_KEYS: what lies in the folder or in S3, links, rotation, erasure."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from attachments import storage, uploads
from attachments.descriptors import read
from attachments.exceptions import NoSuchFile
from attachments.models import PendingUpload
from common import encryption
from ml_proxy.models import InferenceLog
from tests.support.gateway import predict
from tests.support.stored_files import LARGE, files_in, get_inference, input_text

pytestmark = pytest.mark.django_db

OLD, NEW = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture
def stored_id(gateway: Client, folder: Path, process_records: Callable[[], None], settings: Settings) -> str:
    """The id of an inference whose input is a file in `folder`."""
    settings.DATA_KEYS = (OLD,)
    answer = predict(gateway, LARGE)
    process_records()
    return str(answer["X-Inference-ID"])


def run(command: str, *words: str) -> str:
    output = StringIO()
    call_command(command, *words, "--no-progress", stdout=output)
    return output.getvalue()


def test_it_stores_ciphertext_and_returns_the_input_unchanged(gateway: Client, folder: Path, stored_id: str) -> None:
    [content] = files_in(folder).values()
    assert content.startswith(f"\x1f2{encryption.key_id(OLD)}".encode())
    assert b"Dr. Kim" not in content
    assert input_text(gateway.get(f"/ml/v1/history/{stored_id}/").content) == LARGE
    [file] = get_inference(gateway, stored_id)["files"]
    assert b"".join(gateway.get(file["url"])) == LARGE
    assert "1 files, all in place and unchanged" in run("verify_log", "--files")


@pytest.mark.usefixtures("stored_id")
def test_a_file_under_the_key_of_another_does_not_open(folder: Path) -> None:
    [attachment] = read(InferenceLog.objects.get().files)
    other = attachment._replace(key=attachment.key.replace("body.json", "other.json"))
    (folder / other.key).write_bytes((folder / attachment.key).read_bytes())
    with pytest.raises(NoSuchFile):
        storage.read(other)


def test_a_file_from_before_is_readable_and_becomes_encrypted(
    gateway: Client, folder: Path, process_records: Callable[[], None], settings: Settings
) -> None:
    answer = predict(gateway, LARGE)
    process_records()
    assert list(files_in(folder).values()) == [LARGE]
    settings.DATA_KEYS = (OLD,)
    path = f"/ml/v1/history/{answer['X-Inference-ID']}/"
    assert input_text(gateway.get(path).content) == LARGE
    for keys in ((OLD,), (NEW, OLD)):
        settings.DATA_KEYS = keys
        with pytest.raises(CommandError, match="not encrypted with the first"):
            call_command("encrypt_data", "--check", stdout=StringIO())
        assert "1 files were encrypted" in run("encrypt_data")
        assert "0 rows and 0 files" in run("encrypt_data")
        settings.DATA_KEYS = keys[:1]
        [content] = files_in(folder).values()
        assert content.startswith(encryption.current_head(encryption.BYTES).encode())
        assert input_text(gateway.get(path).content) == LARGE


def test_what_waits_for_upload_is_encrypted(folder: Path, settings: Settings) -> None:
    settings.DATA_KEYS = (OLD,)
    PendingUpload.objects.create(
        key="inputs/x", row=_ID, origin=_ID, sequence=1, content=b"\x1f\x8b Dr. Kim", is_ready=True
    )
    raw = PendingUpload.objects.values_list(PendingUpload._meta.get_field("content").raw(), flat=True).get()
    assert b"Dr. Kim" not in bytes(raw)
    assert uploads.upload_pending() == 1
    [content] = files_in(folder).values()
    assert content.startswith(encryption.current_head(encryption.BYTES).encode())
    assert b"Dr. Kim" not in content


_ID = "01a22a15-66d9-7f1c-9453-e14d426de9fa"
