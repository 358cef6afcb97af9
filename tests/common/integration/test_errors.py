"""Client errors: each response is a complete problem, nothing is written, and the model is not called."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from common import middleware
from jobs.models import Job
from ml_proxy.models import IdempotencyKey, InferenceLog
from tests.support.gateway import BODY, Journaled, assert_problem, predict
from tests.support.model import ScriptedModel

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_comes_of_it(model: ScriptedModel, journaled: Journaled) -> Iterator[None]:
    """Checks that no test of this module calls the model or writes a record."""
    yield
    assert (model.requests, journaled()) == ([], [])
    assert not any(table.objects.exists() for table in (InferenceLog, IdempotencyKey, Job))


NAMES = '"doctor_name":"a","patient_name":"b"'

NOT_JSON = [b"", b" ", b"{", b"doctor_name=a", b'{"doctor_name":"a","patient_name":"b"', b"\xff", b"\x00"]
NOT_JSON += [
    f"{{{NAMES},{rest}}}".encode() for rest in ('"x":NaN', '"x":Infinity', '"x":-Infinity', '"x":01', '"x":1,', "x:1")
]
NOT_JSON += [f"{{{NAMES}}}".encode("utf-16"), f"\ufeff{{{NAMES}}}".encode(), f'{{{NAMES},"x":"\t"}}'.encode()]
NOT_JSON += [f'{{{NAMES},"x":"'.encode() + b'\xed\xa0\x80"}', f'{{{NAMES},"x":{"[" * 512}{"]" * 512}}}'.encode()]


@pytest.mark.parametrize("body", NOT_JSON)
def test_it_answers_400_to_what_is_not_json(gateway: Client, body: bytes) -> None:
    found = assert_problem(predict(gateway, body), 400, "bad-input")
    [fault] = found["errors"]
    assert (fault["pointer"], bool(fault["detail"])) == ("", True)


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"a"', b"true", b'[["doctor_name","a"],["patient_name","b"]]'])
def test_it_answers_400_to_json_that_is_not_an_object(gateway: Client, body: bytes) -> None:
    found = assert_problem(predict(gateway, body), 400, "bad-input")
    assert found["errors"] == [{"pointer": "", "detail": "must be an object"}]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ('""', "blank"),
        ('" \\t\\u3000"', "blank"),
        (json.dumps("x" * 101), "100 characters"),
        ('"a\\u0000b"', "NUL"),
        ('"\\ud800"', "surrogate"),
        ("null", "string"),
        ("7", "string"),
        ("true", "string"),
        ('["a"]', "string"),
        ('{"family":"a"}', "string"),
        ('"Secret","%s":"Secret"', "once"),
    ],
)
def test_it_answers_400_to_a_name_it_cannot_use(gateway: Client, value: str, says: str) -> None:
    for name, other in (("doctor_name", "patient_name"), ("patient_name", "doctor_name")):
        body = f'{{"{other}":"ok","{name}":{value.replace("%s", name)}}}'
        found = assert_problem(predict(gateway, body), 400, "bad-input")
        [fault] = found["errors"]
        assert (fault["pointer"], says in fault["detail"]) == (f"/{name}", True)
        assert "Secret" not in json.dumps(found)


def test_it_detects_a_repeated_name_with_escapes(gateway: Client) -> None:
    body = f'{{{NAMES},"\\u0064octor_name":"c"}}'
    [fault] = assert_problem(predict(gateway, body), 400, "bad-input")["errors"]
    assert fault == {"pointer": "/doctor_name", "detail": "must be given once"}


def test_it_reports_all_errors_at_once(gateway: Client) -> None:
    found = assert_problem(predict(gateway, {"patient_name": 7, "Doctor_name": "a"}), 400, "bad-input")
    assert found["errors"] == [
        {"pointer": "/doctor_name", "detail": "is missing"},
        {"pointer": "/patient_name", "detail": "must be a string"},
    ]


@pytest.mark.parametrize("length", ["abc", "-1", "1.0", "0x10", "\u0661", "1_0", "9" * 5000])
def test_it_answers_400_to_an_invalid_length(gateway: Client, length: str) -> None:
    assert_problem(predict(gateway, CONTENT_LENGTH=length), 400, "bad-input")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "a b", "", "testserver:port"])
def test_it_answers_400_to_a_host_that_is_not_its_own(gateway: Client, host: str) -> None:
    for path in ALLOWED:
        response = gateway.post(f"/ml/v1/{path}", BODY, content_type="application/json", HTTP_HOST=host)
        assert_problem(response, 400, "bad-input")


def test_it_accepts_a_host_with_a_port_of_any_length_and_caches_no_long_one(gateway: Client) -> None:
    middleware._check_host.cache_clear()
    for host in ("testserver", "testserver:" + "0" * 65_536):
        assert gateway.get("/ml/v1/history/", HTTP_HOST=host).status_code == 200
    assert middleware._check_host.cache_info().currsize == 1


NOWHERE = ["/nowhere", "/ml/", "/ml/v1/", "/ml/v2/predict/", "/ml/v1/predict", "/ml/v1/predict/x/", "/ml/v1//predict/"]
NOWHERE += [
    "/ml/v1/history/not-an-id/",
    "/ml/v1/retrain/jobs/7/",
    "/ml/v1/%ED%A0%80/",
    "/ml/v1/%FF/",
    "/ML/v1/predict/",
]


@pytest.mark.parametrize("path", NOWHERE)
def test_it_answers_404_to_an_unknown_path(gateway: Client, settings: Settings, path: str) -> None:
    for settings.DEBUG in (True, False):
        for method in ("GET", "POST"):
            assert_problem(gateway.generic(method, path, b"{}", content_type="application/json"), 404, "unknown-path")


def test_it_says_that_paths_end_with_a_slash(gateway: Client) -> None:
    assert "/ml/v1/status/" in assert_problem(gateway.get("/ml/v1/status"), 404, "unknown-path")["detail"]


NO_SUCH = "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("path", [f"history/{NO_SUCH}/", f"retrain/jobs/{NO_SUCH}/"])
def test_it_answers_404_to_an_unknown_id(gateway: Client, path: str) -> None:
    assert_problem(gateway.get(f"/ml/v1/{path}"), 404, "no-such-record")


ALLOWED = {
    "predict/": {"POST"},
    "status/": {"GET", "HEAD"},
    "model-info/": {"GET", "HEAD"},
    "retrain/": {"POST"},
    "retrain/jobs/": {"GET", "HEAD", "POST"},
    f"retrain/jobs/{NO_SUCH}/": {"GET", "HEAD"},
    f"retrain/jobs/{NO_SUCH}/cancel/": {"POST"},
    "history/": {"GET", "HEAD"},
    f"history/{NO_SUCH}/": {"GET", "HEAD"},
}


METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"}


@pytest.mark.parametrize("path", ALLOWED)
def test_it_answers_405_to_a_wrong_method(gateway: Client, path: str) -> None:
    for method in METHODS - ALLOWED[path]:
        response = gateway.generic(method, f"/ml/v1/{path}", b"{}", content_type="application/json")
        assert_problem(response, 405, "wrong-method")
        assert ALLOWED[path] - {"HEAD"} <= set(response["Allow"].split(", ")) <= ALLOWED[path] | {"HEAD", "OPTIONS"}


def test_it_answers_405_to_head_where_there_is_only_post(gateway: Client) -> None:
    response = gateway.head("/ml/v1/predict/")
    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["predict/", "retrain/", "retrain/jobs/"])
def test_it_answers_413_to_a_body_over_the_cap(gateway: Client, settings: Settings, path: str) -> None:
    body = json.dumps(BODY).encode()
    settings.MAX_BODY_BYTES = len(body) - 1
    found = assert_problem(gateway.post(f"/ml/v1/{path}", body, content_type="application/json"), 413, "body-too-large")
    assert str(len(body) - 1) in found["detail"]


@pytest.mark.parametrize(
    ("media", "fields"),
    [
        ("", {}),
        ("text/plain", {}),
        ("text/json", {}),
        ("application/x-www-form-urlencoded", {}),
        ("multipart/mixed; boundary=x", {}),
        ("application/jsonx", {}),
        ("application/json-seq", {}),
        ("text/html+json", {}),
        ("application/json", {"HTTP_CONTENT_ENCODING": "gzip"}),
        ("application/json", {"HTTP_CONTENT_ENCODING": "br, identity"}),
    ],
)
def test_it_answers_415_to_what_is_not_json_by_its_media_type(
    gateway: Client, media: str, fields: dict[str, Any]
) -> None:
    for path in ("predict/", "retrain/", "retrain/jobs/"):
        response = gateway.generic("POST", f"/ml/v1/{path}", json.dumps(BODY), content_type=media, **fields)
        assert_problem(response, 415, "not-json-media")


def test_it_keeps_the_callers_request_id_in_a_problem(gateway: Client) -> None:
    assert (
        assert_problem(predict(gateway, b"", HTTP_X_REQUEST_ID="visit-7"), 400, "bad-input")["request_id"] == "visit-7"
    )
