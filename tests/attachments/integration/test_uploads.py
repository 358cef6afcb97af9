"""Inputs over INLINE_MAX_BYTES: stored by the worker, and read by history and its links."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from common.paging import PAGE_BYTES
from ml_proxy.models import InferenceLog
from tests.support.gateway import BODY, assert_problem, predict
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


def test_a_large_input_is_stored_and_returned_unchanged(
    gateway: Client, model: Any, process_records: Callable[[], None], folder: Path
) -> None:
    answer = predict(gateway, LARGE)
    assert model.requests[0].body == LARGE
    process_records()
    [row] = InferenceLog.objects.all()
    [key] = files_in(folder)
    assert files_in(folder)[key] == LARGE
    assert key == f"inputs/{row.predicted_at:%Y/%m}/{row.id}/body.json"
    assert json.loads(row.input_data) == {"doctor_name": "Dr. Kim", "patient_name": "Lee"}
    assert row.payload_bytes == len(LARGE) + len(row.output_data)
    for path in (HISTORY, f"{HISTORY}{answer['X-Inference-ID']}/"):
        assert input_text(gateway.get(path).content) == LARGE
    call_command("verify_log", "--no-progress")


def test_an_input_up_to_the_limit_stays_in_the_row(
    gateway: Client, process_records: Callable[[], None], folder: Path
) -> None:
    body = b'{"doctor_name": "Dr. Kim", "patient_name": "Lee", "pad": "%s"}'
    body %= b"p" * (PADDING_BYTES - len(body) + 2)
    assert len(body) == PADDING_BYTES
    answer = predict(gateway, body)
    process_records()
    row = get_inference(gateway, answer["X-Inference-ID"])
    assert "files" not in row
    assert InferenceLog.objects.get().input_data.encode() == body
    assert files_in(folder) == {}


def test_it_returns_a_link_that_expires(
    gateway: Client, process_records: Callable[[], None], settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = predict(gateway, LARGE)
    process_records()
    [shown] = get_inference(gateway, answer["X-Inference-ID"])["files"]
    assert shown.keys() == {"pointer", "filename", "content_type", "bytes", "sha256", "url", "expires_at"}
    assert (shown["pointer"], shown["filename"], shown["content_type"]) == ("", "body.json", "application/json")
    assert (shown["bytes"], shown["sha256"]) == (len(LARGE), hashlib.sha256(LARGE).hexdigest())
    response = gateway.get(shown["url"])
    assert (response.status_code, response.content) == (200, LARGE)
    assert response["Content-Disposition"] == 'attachment; filename="body.json"'
    assert (response["X-Content-Type-Options"], response["Cache-Control"]) == ("nosniff", "no-store")
    token = shown["url"].rstrip("/").rpartition("/")[2]
    written = capfd.readouterr().err
    assert "/ml/v1/files/" in written
    assert token not in written
    settings.FILE_LINK_SECONDS = -1
    assert "history" in assert_problem(gateway.get(shown["url"]), 403, "link-expired")["detail"]


@pytest.mark.parametrize("token", ["x", "a:b:c", "W10:1vMLQD:AAAA"])
def test_it_refuses_foreign_tokens(gateway: Client, token: str) -> None:
    assert "history" in assert_problem(gateway.get(f"/ml/v1/files/{token}/"), 404, "no-such-file")["detail"]


def test_the_link_needs_credentials_too(
    gateway: Client, process_records: Callable[[], None], settings: Settings
) -> None:
    answer = predict(gateway, LARGE)
    process_records()
    [shown] = get_inference(gateway, answer["X-Inference-ID"])["files"]
    settings.API_AUTH = "required"
    assert gateway.get(shown["url"]).status_code == 401
    gateway.force_login(User.objects.create_superuser("dr-kim"))
    assert gateway.get(shown["url"]).status_code == 200


def test_it_ignores_descriptors_from_a_caller(gateway: Client, process_records: Callable[[], None]) -> None:
    mine = predict(gateway, LARGE)
    process_records()
    theirs = json.loads(InferenceLog.objects.get().files)
    answer = predict(gateway, {**BODY, "files": theirs, "contents": ["eA=="]})
    process_records()
    row = get_inference(gateway, answer["X-Inference-ID"])
    assert "files" not in row
    assert row["input_data"]["files"] == theirs
    assert mine["X-Inference-ID"] != answer["X-Inference-ID"]


def test_it_shows_the_rest_of_a_row_with_an_unreadable_file(
    gateway: Client, process_records: Callable[[], None], folder: Path
) -> None:
    small, large = predict(gateway), predict(gateway, LARGE)
    process_records()
    with storage_unavailable(folder):
        rows = {row["id"]: row for row in gateway.get(HISTORY).json()}
        assert rows[small["X-Inference-ID"]]["input_data"] == BODY
        shown = rows[large["X-Inference-ID"]]
        assert shown["input_data"] == {"doctor_name": "Dr. Kim", "patient_name": "Lee"}
        assert_problem(gateway.get(shown["files"][0]["url"]), 503, "storage-down")
    [key] = files_in(folder)
    (folder / key).write_bytes(LARGE.replace(b"Lee", b"Kim"))
    assert get_inference(gateway, large["X-Inference-ID"])["input_data"] == {
        "doctor_name": "Dr. Kim",
        "patient_name": "Lee",
    }
    assert_problem(gateway.get(shown["files"][0]["url"]), 404, "no-such-file")


def test_stored_inputs_count_towards_the_page_size(
    gateway: Client, process_records: Callable[[], None], settings: Settings
) -> None:
    size = PAGE_BYTES // 3
    for number in range(4):
        predict(
            gateway, b'{"doctor_name": "Dr. Kim", "patient_name": "Lee", "n": %d, "p": "%s"}' % (number, b"p" * size)
        )
        process_records()
    page = gateway.get(HISTORY)
    assert [row["input_data"]["n"] for row in page.json()] == [3, 2]
    assert "Link" in page
