"""Predictions from a form: forwarded unchanged, recorded as JSON, with the files in the storage."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from ml_proxy.models import InferenceLog
from ml_proxy.records import InferenceRecord
from ml_proxy.source import INFERENCES
from recording import erasure
from tests.support.gateway import assert_problem, predict
from tests.support.model import ScriptedModel
from tests.support.stored_files import files_in, get_inference

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

IMAGE = b"\x89PNG\r\n\x1a\n\0\xff" + bytes(range(256))
NAMES = [("doctor_name", "Dr. Kim"), ("patient_name", "  김민준 ")]
Given = list[tuple[str, Any]]


def form(given: Given, boundary: str = "----of-a-browser") -> dict[str, Any]:
    """Builds the arguments of `predict`: fields are texts or bytes, files are (filename, media type, bytes)."""
    parts = []
    for name, value in given:
        filename, media, data = value if isinstance(value, tuple) else (None, None, value)
        head = f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
        head += f"\r\nContent-Type: {media}" if media else ""
        data = data.encode() if isinstance(data, str) else data
        parts.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + data + b"\r\n")
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return {"body": body, "CONTENT_TYPE": f"multipart/form-data; boundary={boundary}"}


def file_of(filename: str, media: str, data: bytes) -> dict[str, Any]:
    """The file's description in input_data."""
    told = {"filename": filename, "content_type": media, "bytes": len(data)}
    return told | {"sha256": hashlib.sha256(data).hexdigest()}


@pytest.fixture(autouse=True)
def folder(files_folder: Path) -> Path:
    return files_folder


def test_it_forwards_the_form_unchanged_and_records_it_as_json(
    gateway: Client, model: ScriptedModel, process_records: Callable[[], None], folder: Path
) -> None:
    asked = form([*NAMES, ("image", ("x.png", "image/png", IMAGE)), ("top", "5"), ("tag", "a"), ("tag", "b")])
    answer = predict(gateway, **asked)
    [request] = model.requests
    assert (request.body, request.fields["content-type"]) == (asked["body"], asked["CONTENT_TYPE"])
    process_records()
    row = get_inference(gateway, answer["X-Inference-ID"])
    assert (row["doctor_name"], row["patient_name"]) == ("Dr. Kim", "김민준")
    assert row["input_data"] == {
        **dict(NAMES),
        "top": "5",
        "tag": ["a", "b"],
        "image": file_of("x.png", "image/png", IMAGE),
    }
    [shown] = row["files"]
    assert shown | {"pointer": "/image"} | file_of("x.png", "image/png", IMAGE) == shown
    given = gateway.get(shown["url"])
    assert (given.content, given["Content-Type"]) == (IMAGE, "image/png")
    assert given["Content-Disposition"] == 'attachment; filename="x.png"'
    assert list(files_in(folder).values()) == [IMAGE]
    call_command("verify_log", "--no-progress", "--files")
    assert sum(erasure.erase(INFERENCES, erasure.matching(INFERENCES, patient="김민준"), "asked for")) == 1
    assert files_in(folder) == {}
    assert gateway.get(shown["url"]).status_code == 404


def test_it_points_at_each_of_many_files(gateway: Client, process_records: Callable[[], None]) -> None:
    files = [("a/b~", ("1.png", "image/png", b"1")), ("x", "text"), ("x", ("2.png", "image/png", b"2"))]
    answer = predict(gateway, **form([*NAMES, *files]))
    process_records()
    row = get_inference(gateway, answer["X-Inference-ID"])
    assert row["input_data"]["x"] == ["text", file_of("2.png", "image/png", b"2")]
    found = {shown["pointer"]: gateway.get(shown["url"]).content for shown in row["files"]}
    assert found == {"/a~1b~0": b"1", "/x/1": b"2"}


def test_it_accepts_a_form_without_files(gateway: Client, process_records: Callable[[], None], folder: Path) -> None:
    answer = predict(gateway, **form([*NAMES, ("image", "iVBORw0KGgo=")]))
    process_records()
    row = get_inference(gateway, answer["X-Inference-ID"])
    assert row["input_data"] == {**dict(NAMES), "image": "iVBORw0KGgo="}
    assert "files" not in row
    assert files_in(folder) == {}


def test_it_also_moves_large_fields_to_the_storage(
    gateway: Client, process_records: Callable[[], None], settings: Settings, folder: Path
) -> None:
    settings.INLINE_MAX_BYTES = 1024
    answer = predict(gateway, **form([*NAMES, ("text", "t" * 2000), ("image", ("x.png", "image/png", IMAGE))]))
    process_records()
    row = get_inference(gateway, answer["X-Inference-ID"])
    assert row["input_data"]["text"] == "t" * 2000
    assert [shown["pointer"] for shown in row["files"]] == ["", "/image"]
    assert json.loads(InferenceLog.objects.get().input_data) == {"doctor_name": "Dr. Kim", "patient_name": "김민준"}
    assert len(files_in(folder)) == 2


def test_it_keeps_only_valid_media_types(gateway: Client, process_records: Callable[[], None]) -> None:
    answer = predict(gateway, **form([*NAMES, ("a", ("../a\\x.html", "text/html<script>", b"<p>"))]))
    process_records()
    [shown] = get_inference(gateway, answer["X-Inference-ID"])["files"]
    assert (shown["filename"], shown["content_type"]) == ("x.html", "application/octet-stream")


@pytest.mark.parametrize("boundary", ["one", "another"])
def test_it_repeats_the_first_answer_for_the_same_form(gateway: Client, model: ScriptedModel, boundary: str) -> None:
    """Browsers choose a new boundary for each attempt."""
    given: Given = [*NAMES, ("image", ("x.png", "image/png", IMAGE))]
    first = predict(gateway, **form(given, "one"), HTTP_IDEMPOTENCY_KEY="k")
    again = predict(gateway, **form(given, boundary), HTTP_IDEMPOTENCY_KEY="k")
    assert again["X-Inference-ID"] == first["X-Inference-ID"]
    assert len(model.requests) == 1
    other: Given = [*NAMES, ("image", ("x.png", "image/png", IMAGE + b"!"))]
    assert_problem(predict(gateway, **form(other, "one"), HTTP_IDEMPOTENCY_KEY="k"), 422, "key-reused")
    elsewhere = predict(gateway, **form(given, "one"), HTTP_IDEMPOTENCY_KEY="k", QUERY_STRING="model=B")
    assert_problem(elsewhere, 422, "key-reused")


def test_a_form_is_another_request_than_json_with_the_same_members(gateway: Client, model: ScriptedModel) -> None:
    assert predict(gateway, **form(NAMES, "one"), HTTP_IDEMPOTENCY_KEY="k").status_code == 200
    recorded = json.dumps(dict(NAMES), ensure_ascii=False, separators=(",", ":")).encode()
    assert_problem(predict(gateway, recorded, HTTP_IDEMPOTENCY_KEY="k"), 422, "key-reused")
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        ([], ["/doctor_name", "/patient_name"]),
        ([*NAMES, ("doctor_name", "Dr. Kim")], ["/doctor_name"]),
        ([NAMES[0], ("patient_name", " ")], ["/patient_name"]),
        ([NAMES[0], ("patient_name", "x" * 101)], ["/patient_name"]),
        ([NAMES[0], ("patient_name", "a\0b")], ["/patient_name"]),
        ([NAMES[0], ("patient_name", b"\xff")], ["/patient_name"]),
        ([*NAMES, ("x", b"\xc3")], ["/x"]),
        ([NAMES[0], ("patient_name", ("Lee.png", "image/png", b"Lee"))], ["/patient_name"]),
    ],
)
def test_names_follow_the_same_rules_as_in_json(
    gateway: Client, model: ScriptedModel, given: Given, pointers: list[str]
) -> None:
    found = assert_problem(predict(gateway, **form([*given, ("y", "z")])), 400, "bad-input")
    assert [error["pointer"] for error in found["errors"]] == pointers
    assert model.requests == []


GOOD = form([*NAMES, ("image", ("x.png", "image/png", IMAGE))], "b0undary")["body"]


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (GOOD, "multipart/form-data"),
        (GOOD, "multipart/form-data; boundary="),
        (GOOD, "multipart/form-data; boundary=other"),
        (GOOD, "multipart/form-data; boundary=b0undar\u00ff"),
        (GOOD.removesuffix(b"--b0undary--\r\n"), "multipart/form-data; boundary=b0undary"),
        (GOOD.replace(b"b0undary--", b"b0undary"), "multipart/form-data; boundary=b0undary"),
        (GOOD.replace(b"PNG", b"PNG\r\n--b0undary--"), "multipart/form-data; boundary=b0undary"),
        (GOOD.replace(b'filename="x.png"', b'filename=""'), "multipart/form-data; boundary=b0undary"),
        (GOOD.replace(b'filename="x.png"', b'filename=".."'), "multipart/form-data; boundary=b0undary"),
        (GOOD.replace(b'; name="image"', b""), "multipart/form-data; boundary=b0undary"),
        (GOOD.replace(b"PNG", b"PNG--b0undary"), "multipart/form-data; boundary=b0undary"),
        (GOOD.replace(b"PNG", b"PNG\r\n--b0undary"), "multipart/form-data; boundary=b0undary"),
        (form([*NAMES, *[("x", "")] * 1001], "b")["body"], "multipart/form-data; boundary=b"),
        (form([*NAMES, *[("x", ("x", "a/b", b""))] * 101], "b")["body"], "multipart/form-data; boundary=b"),
        (b"", "multipart/form-data; boundary=b"),
        (b'{"doctor_name": "Dr. Kim", "patient_name": "Lee"}', "multipart/form-data; boundary=b"),
    ],
)
def test_it_refuses_a_form_that_it_could_not_record_completely(
    gateway: Client, model: ScriptedModel, body: bytes, media: str
) -> None:
    assert_problem(predict(gateway, body, CONTENT_TYPE=media), 400, "bad-input")
    assert model.requests == []


def test_it_records_nothing_if_the_model_refuses_the_form(
    gateway: Client, model: ScriptedModel, journaled: Callable[[], list[InferenceRecord]]
) -> None:
    model.script = lambda conversation: conversation.answer(b'{"no": 1}', status="422 Unprocessable Entity")
    answer = predict(gateway, **form([*NAMES, ("image", ("x.png", "image/png", IMAGE))]))
    assert (answer.status_code, answer.content) == (422, b'{"no": 1}')
    assert journaled() == []


@pytest.mark.parametrize("path", ["retrain/", "retrain/jobs/"])
def test_only_predictions_accept_forms(gateway: Client, path: str) -> None:
    asked = form(NAMES)
    response = gateway.generic("POST", f"/ml/v1/{path}", asked["body"], content_type=asked["CONTENT_TYPE"])
    assert_problem(response, 415, "not-json-media")
