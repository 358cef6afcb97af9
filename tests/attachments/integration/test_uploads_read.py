"""Exports, the data set and verify_log read large inputs from the storage."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from ml_proxy.models import InferenceLog
from tests.support.feedback import post_feedback
from tests.support.gateway import BODY, assert_problem, predict
from tests.support.stored_files import LARGE, files_in, storage_unavailable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

EXPORT, DATASET = "/ml/v1/history/export/", "/ml/v1/dataset/"


@pytest.fixture
def with_feedback(gateway: Client, folder: Path, process_records: Callable[[], None]) -> None:
    """A small and a large input, each with feedback."""
    for body in (BODY, LARGE):
        answer = predict(gateway, body)
        process_records()
        post_feedback(gateway, answer["X-Inference-ID"], verdict="agree")


def read(client: Client, path: str) -> bytes:
    response: Any = client.get(path)
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def verify_log(*words: str) -> str:
    output = StringIO()
    call_command("verify_log", "--no-progress", *words, stdout=output)
    return output.getvalue()


@pytest.mark.usefixtures("with_feedback")
def test_it_exports_them_unchanged(gateway: Client) -> None:
    large, small = read(gateway, EXPORT).splitlines()
    assert b'"input_data":' + LARGE + b"," in large
    assert json.loads(small)["input_data"] == BODY
    assert "files" not in json.loads(small)


@pytest.mark.usefixtures("with_feedback")
def test_the_data_set_has_them_without_names(gateway: Client) -> None:
    small, large = read(gateway, DATASET).splitlines()
    rest = LARGE.partition(b'"patient_name":"Lee",')[2]
    assert b'"input":{' + rest + b"," in large
    assert json.loads(small)["input"] == {"x": 1}


@pytest.mark.usefixtures("with_feedback")
@pytest.mark.parametrize("path", [EXPORT, DATASET])
def test_it_exports_nothing_while_the_storage_is_down(gateway: Client, folder: Path, path: str, tmp_path: Path) -> None:
    command = "export" if path == EXPORT else "dataset"
    with storage_unavailable(folder):
        assert_problem(gateway.get(path), 503, "storage-down")
        with pytest.raises(CommandError, match="file storage failed"):
            call_command(command, "--output", str(tmp_path / "file"))
    assert not (tmp_path / "file").exists()


@pytest.mark.usefixtures("with_feedback")
def test_verify_log_checks_files_on_request(folder: Path) -> None:
    assert ", and 1 files, all in place and unchanged" in verify_log("--files")
    [key] = files_in(folder)
    (folder / key).write_bytes(LARGE.replace(b"Lee", b"Kim"))
    assert " records, all in place" in verify_log()
    with pytest.raises(CommandError, match=r"1 findings in \d+ records, and 1 files"):
        verify_log("--files")
    (folder / key).unlink()
    output = StringIO()
    with pytest.raises(CommandError, match="1 findings"):
        call_command("verify_log", "--no-progress", "--files", stdout=output)
    assert f"row {InferenceLog.objects.exclude(files='').get()}: not in the storage" in output.getvalue()
    assert key in output.getvalue()
    with storage_unavailable(folder), pytest.raises(CommandError, match="file storage failed"):
        verify_log("--files")


@pytest.mark.usefixtures("with_feedback")
@pytest.mark.parametrize("column", ["", "x", '[{"key":"x"}]'])
def test_verify_log_reports_changed_descriptors(column: str) -> None:
    InferenceLog.objects.exclude(files="").update(files=column)
    with pytest.raises(CommandError, match="the log is not intact"):
        verify_log("--files")
