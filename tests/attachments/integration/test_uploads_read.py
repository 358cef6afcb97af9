"""What reads the log beside history: exports, the data set and the proof read large inputs from the storage."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from ml_proxy.models import InferenceLog
from tests.support.door import BODY, predict, problem
from tests.support.storing import LARGE, MOST, cut_off, stored
from tests.support.verdicts import judge

pytestmark = pytest.mark.django_db

EXPORT, DATASET = "/ml/v1/history/export/", "/ml/v1/dataset/"


@pytest.fixture(autouse=True)
def folder(files_folder: Path, settings: Settings) -> Path:
    """The storage; and a bound that a small text exceeds."""
    settings.INLINE_MAX_BYTES = MOST
    return files_folder


@pytest.fixture
def judged(gateway: Client, way: Callable[[], None]) -> None:
    """A small and a large input, each with a verdict."""
    for body in (BODY, LARGE):
        answer = predict(gateway, body)
        way()
        judge(gateway, answer["X-Inference-ID"], verdict="agree")


def ask(client: Client, path: str) -> bytes:
    response: Any = client.get(path)
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def proof(*words: str) -> str:
    said = StringIO()
    call_command("verify_log", "--no-progress", *words, stdout=said)
    return said.getvalue()


@pytest.mark.usefixtures("judged")
def test_it_exports_them_as_they_were(gateway: Client) -> None:
    large, small = ask(gateway, EXPORT).splitlines()
    assert b'"input_data":' + LARGE + b"," in large
    assert json.loads(small)["input_data"] == BODY
    assert "files" not in json.loads(small)


@pytest.mark.usefixtures("judged")
def test_it_has_them_in_the_data_set_without_names(gateway: Client) -> None:
    small, large = ask(gateway, DATASET).splitlines()
    rest = LARGE.partition(b'"patient_name":"Lee",')[2]
    assert b'"input":{' + rest + b"," in large
    assert json.loads(small)["input"] == {"x": 1}


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("path", [EXPORT, DATASET])
def test_it_exports_nothing_rather_than_less(gateway: Client, folder: Path, path: str, tmp_path: Path) -> None:
    command = "export" if path == EXPORT else "dataset"
    with cut_off(folder):
        problem(gateway.get(path), 503, "storage-down")
        with pytest.raises(CommandError, match="storage of files does not do its work"):
            call_command(command, "--output", str(tmp_path / "file"))
    assert not (tmp_path / "file").exists()


@pytest.mark.usefixtures("judged")
def test_it_proves_that_files_are_there_where_it_is_asked_to(folder: Path) -> None:
    assert proof("--files").startswith("2 records, and 1 files, each in its place and as it was written")
    [key] = stored(folder)
    (folder / key).write_bytes(LARGE.replace(b"Lee", b"Kim"))
    assert proof().startswith("2 records, each in its place")
    with pytest.raises(CommandError, match="1 findings in 2 records, and 1 files"):
        proof("--files")
    (folder / key).unlink()
    said = StringIO()
    with pytest.raises(CommandError, match="1 findings"):
        call_command("verify_log", "--no-progress", "--files", stdout=said)
    assert f"row {InferenceLog.objects.exclude(files='').get()}: not in the storage" in said.getvalue()
    assert key in said.getvalue()
    with cut_off(folder), pytest.raises(CommandError, match="storage of files"):
        proof("--files")


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("column", ["", "x", '[{"key":"x"}]'])
def test_it_sees_that_somebody_changed_what_a_row_tells_of_its_files(column: str) -> None:
    InferenceLog.objects.exclude(files="").update(files=column)
    with pytest.raises(CommandError, match="the log is not whole"):
        proof("--files")
