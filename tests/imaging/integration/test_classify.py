"""`POST /ai/classify/`: a URL or an upload in, true or false out, a sealed record with the picture behind it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from attachments import contents
from common.row_scope import EVERYTHING
from imaging.models import ProviderCall
from imaging.source import PROVIDER_CALLS
from tests.imaging.conftest import PHOTOGRAPHS
from tests.support import malformed_pictures
from tests.support.model import ScriptedModel

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PATH = "/ai/classify/"
PHOTOGRAPH = (PHOTOGRAPHS / "espresso.jpg").read_bytes()


@pytest.fixture
def photos(model: ScriptedModel, settings: Settings) -> ScriptedModel:
    """A server of pictures on loopback, which IMAGE_HOSTS allows."""
    model.script = lambda conversation: conversation.answer(PHOTOGRAPH, head=b"Content-Type: text/plain\r\n")
    settings.IMAGE_HOSTS = [model.url]
    return model


def classify(gateway: Client, url: Any, query: str = "") -> Any:
    body = json.dumps({"initial_image_url": url})
    return gateway.generic("POST", PATH + query, body, content_type="application/json")


def upload(gateway: Client, data: bytes, **more: Any) -> Any:
    return gateway.post(PATH, {"photo": SimpleUploadedFile("책상.jpg", data), **more})


@pytest.mark.usefixtures("models")
def test_a_url_is_classified(gateway: Client, photos: ScriptedModel) -> None:
    answer = classify(gateway, f"{photos.url}/12.png")
    assert answer.status_code == 200
    assert answer.json() == {"initial_image_url": f"{photos.url}/12.png", "classify": False}


@pytest.mark.usefixtures("models")
def test_a_desk_is_true_and_details_say_why(gateway: Client, photos: ScriptedModel, settings: Settings) -> None:
    settings.DESK_THRESHOLD = 0.0
    found = classify(gateway, photos.url, "?details=true").json()
    assert found["classify"] is True
    assert found["top"][0]["name"] == "espresso"
    assert {label["name"] for label in found["desk_labels"]} <= {"desk", "keyboard", "monitor", "mouse", "laptop",
        "notebook", "screen", "desktop computer", "space bar"}  # fmt: skip
    assert 0 <= found["desk_probability"] <= 1


@pytest.mark.usefixtures("models")
def test_an_upload_is_classified(gateway: Client) -> None:
    assert upload(gateway, PHOTOGRAPH).json() == {"initial_image_url": None, "classify": False}


@pytest.mark.usefixtures("models")
def test_each_call_is_a_record_with_its_picture(
    gateway: Client, photos: ScriptedModel, process_records: Callable[[], None]
) -> None:
    photos.script = lambda conversation: conversation.answer(malformed_pictures.located())
    classify(gateway, photos.url)
    process_records()
    [row] = gateway.get("/ai/calls/?service=desk_classify").json()
    assert (row["provider"], row["model"], row["outcome"]) == ("local", "efficientnet-lite0", "succeeded")
    assert (row["cost_microdollars"], row["input_tokens"], row["job"]) == (0, 0, "")
    assert 0 < row["latency_ms"] < 60_000
    assert json.loads(row["answer"])["classify"] is False
    stored, data = contents.content(PROVIDER_CALLS, ProviderCall.objects.get().pk, 0, EVERYTHING)
    assert (stored.pointer, stored.content_type, data[:3]) == ("/picture", "image/jpeg", b"\xff\xd8\xff")
    assert malformed_pictures.LOCATION not in data  # it is the picture without its place that was stored


@pytest.mark.usefixtures("no_models")
def test_without_a_model_it_says_what_to_do(gateway: Client, process_records: Callable[[], None]) -> None:
    answer = upload(gateway, PHOTOGRAPH)
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert answer["Content-Type"] == "application/problem+json"
    assert "make models" in answer.json()["detail"]
    process_records()
    assert ProviderCall.objects.get().outcome == "failed"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "as a string"),
        (7, "as a string"),
        ("", "visible ASCII"),
        ("http://127.0.0.1/", "not public"),
        ("http://10.0.0.1:8000/", "port"),
        ("file:///etc/passwd", "absolute URL"),
    ],
)
def test_a_url_that_can_t_be_used_is_a_400_with_a_pointer(gateway: Client, url: Any, said: str) -> None:
    answer = classify(gateway, url)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/initial_image_url"
    assert said in error["detail"]


def test_an_unknown_member_is_named(gateway: Client) -> None:
    body = json.dumps({"initial_image_url": "https://a.example/", "callback": "https://b.example/"})
    answer = gateway.generic("POST", PATH, body, content_type="application/json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/callback")


@pytest.mark.parametrize("body", ["{}", "[]", "{", '{"initial_image_url": "a", "initial_image_url": "b"}'])
def test_a_body_without_one_url_is_a_400(gateway: Client, body: str) -> None:
    assert gateway.generic("POST", PATH, body, content_type="application/json").status_code == 400


def test_a_form_has_one_file(gateway: Client) -> None:
    for fields in ({"name": "no file"}, {"a": SimpleUploadedFile("a", b"a"), "b": SimpleUploadedFile("b", b"b")}):
        assert gateway.post(PATH, fields).status_code == 400
    assert upload(gateway, PHOTOGRAPH, name="more").status_code == 400


def test_what_is_no_picture_is_a_400_and_never_a_500(gateway: Client) -> None:
    for case in malformed_pictures.cases():
        if case.must_read is False and len(case.data) < 1_000_000:
            answer = upload(gateway, case.data or b"\0")
            assert answer.status_code == 400, case.name
            assert answer.json()["type"].endswith("picture-refused"), case.name


def test_another_media_type_is_a_415_and_a_large_body_a_413(gateway: Client, settings: Settings) -> None:
    assert gateway.generic("POST", PATH, PHOTOGRAPH, content_type="image/jpeg").status_code == 415
    settings.MAX_BODY_BYTES = 1000
    assert upload(gateway, PHOTOGRAPH).status_code == 413


def test_the_path_works_without_its_last_slash(gateway: Client) -> None:
    assert gateway.generic("POST", "/ai/classify", "{}", content_type="application/json").status_code == 400
    assert gateway.get("/ai/info").status_code == 200


@pytest.mark.usefixtures("models")
def test_info_has_models_and_limits(gateway: Client) -> None:
    found = gateway.get("/ai/info/").json()
    assert found["services"]["desk_classify"]["model"] == "efficientnet-lite0"
    assert found["limits"]["pixels"] == 25_000_000


@pytest.mark.usefixtures("models")
def test_it_is_healthy_with_its_models(gateway: Client) -> None:
    assert gateway.get("/ai/healthcheck/").json()["status"] == "healthy"


@pytest.mark.usefixtures("no_models")
def test_it_is_degraded_without_them(gateway: Client) -> None:
    found = gateway.get("/ai/healthcheck/").json()
    assert found["status"] == "degraded"
    assert set(found["parts"].values()) == {"missing: make models"}
