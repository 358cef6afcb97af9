"""`POST /ml/v1/predict/` in this process, with a model server on a real socket."""

import json
import unicodedata
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.gateway import BODY, Journaled, assert_problem, predict, sends, sends_and_stays_open
from tests.support.model import PREDICTION, ScriptedModel

KOREAN = "\uae40\ubbfc\uc900"

ODD_BODIES = [
    b'{"z":1, "doctor_name":"a" ,"patient_name":"b","a":2}   \n',
    b'\r\n\t {"doctor_name":"a","patient_name":"b"}\t',
    b'{"doctor_name":"a","patient_name":"b","n":[1e999,-0,-0.0,1E+2,123456789012345678901234567890.0,"\\ud800\\u0000"]}',
    b'{"doctor_name":"a","patient_name":"b","n":' + b"7" * 5000 + b"}",
    '{"doctor_name":"\u00e9","patient_name":"\U0001f600","\uae40":"e\u0301\u2028\x7f"}'.encode(),
    b'{"doctor_name":"\\u0041","patient_name":"\\/b","\\u0064":"\\ud83d\\ude00"}',
    b'{"doctor_name":"a","patient_name":"b","x":1,"x":{"x":2,"x":3}}',
    b'{"doctor_name":"a","patient_name":"b","deep":' + b"[" * 511 + b"]" * 511 + b"}",
    b'{"doctor_name":"a","patient_name":"b","x":{"doctor_name":5,"patient_name":null}}',
]


@pytest.mark.parametrize("body", ODD_BODIES)
def test_it_forwards_and_records_the_body_byte_for_byte(
    gateway: Client, model: ScriptedModel, journaled: Journaled, body: bytes
) -> None:
    assert predict(gateway, body).status_code == 200
    assert model.requests[-1].body == body
    [record] = journaled()
    assert record.input_data.encode() == body


ODD_ANSWERS = [b" [1, 2]\r\n", b"null", b'"\\ud800"', b"1e999", b"[" * 512 + b"]" * 512, '{"\uae40":"\u2028"}'.encode()]
ODD_ANSWERS += [b'{"model":7}', b'{"model":{"name":[],"version":null}}', b'{"model":{"a":1,"a":2},"model":[]}']


@pytest.mark.parametrize("answer", ODD_ANSWERS)
def test_it_returns_and_records_the_models_bytes(
    gateway: Client, model: ScriptedModel, journaled: Journaled, answer: bytes
) -> None:
    model.script = lambda conversation: conversation.answer(answer)
    assert predict(gateway).content == answer
    [record] = journaled()
    assert (record.output_data.encode(), record.model_name, record.model_version) == (answer, "", "")


def test_it_journals_one_record_of_what_happened(gateway: Client, journaled: Journaled) -> None:
    before = datetime.now(UTC)
    response = predict(gateway, HTTP_X_REQUEST_ID="visit-7")
    assert (response.status_code, response.content) == (200, PREDICTION)
    [record] = journaled()
    assert str(record.id) == response["X-Inference-ID"]
    assert (record.doctor_name, record.patient_name, record.caller) == ("Dr. Kim", "Lee", "")
    assert (record.model_name, record.model_version, record.request_id) == ("stub", "7", "visit-7")
    assert before <= record.predicted_at <= datetime.now(UTC)
    assert 0 < record.latency_ms < (datetime.now(UTC) - before).total_seconds() * 1000


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "206 Partial", "226 IM Used", "299 Odd"])
def test_it_records_any_2xx(gateway: Client, model: ScriptedModel, journaled: Journaled, status: str) -> None:
    model.script = lambda conversation: conversation.answer(status=status)
    response = predict(gateway)
    assert (f"{response.status_code} {response.reason_phrase}", response.content) == (status, PREDICTION)
    assert [str(record.id) for record in journaled()] == [response["X-Inference-ID"]]


OTHERS = ["400 Bad", "401 Who", "404 Not Found", "409 Busy", "418 I'm a teapot", "422 Features", "429 Slow", "499 Odd"]
OTHERS += ["500 Oh", "501 No", "503 Later", "599 Odd", "600 Odder", "999 Oddest", "304 Not Modified"]


@pytest.mark.parametrize("status", OTHERS)
def test_it_passes_any_other_answer_on_without_a_record(
    gateway: Client, model: ScriptedModel, journaled: Journaled, status: str
) -> None:
    for body in (b'{"errors": [1 ]}', b"not json", b""):
        said = b"" if status.startswith("304") else body
        model.script = sends_and_stays_open(
            b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(said), said)
        )
        response = predict(gateway)
        assert (f"{response.status_code} {response.reason_phrase}", response.content) == (status, said)
        assert ("X-Inference-ID" in response, journaled()) == (False, [])


NOT_JSON = [
    b"",
    b" ",
    b"OK",
    b"{",
    b'{"a":1}}',
    b"[NaN]",
    b"-Infinity",
    b"\xef\xbb\xbf{}",
    b'"\xff"',
    b"<html>",
    b"{}\0",
]
NOT_JSON += [b"[" * 513 + b"]" * 513, "{}".encode("utf-16")]


@pytest.mark.parametrize("answer", NOT_JSON)
def test_it_withholds_a_2xx_that_is_not_json(
    gateway: Client, model: ScriptedModel, journaled: Journaled, answer: bytes
) -> None:
    model.script = lambda conversation: conversation.answer(answer)
    found = assert_problem(predict(gateway), 502, "upstream-not-json")
    assert "html" not in found["detail"]
    assert journaled() == []


@pytest.mark.parametrize("head", [b"204 No Content\r\n", b"205 Reset Content\r\nContent-Length: 0\r\n"])
def test_it_withholds_a_2xx_without_a_body(
    gateway: Client, model: ScriptedModel, journaled: Journaled, head: bytes
) -> None:
    model.script = sends_and_stays_open(b"HTTP/1.1 ", head, b"\r\n")
    assert_problem(predict(gateway), 502, "upstream-not-json")
    assert journaled() == []


def test_it_withholds_a_truncated_answer(gateway: Client, model: ScriptedModel, journaled: Journaled) -> None:
    model.script = sends(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", PREDICTION[:-9])
    assert_problem(predict(gateway), 502, "upstream-not-json")
    assert journaled() == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [(f" {KOREAN}\t", KOREAN), (unicodedata.normalize("NFD", KOREAN), KOREAN), ("\u3000e\u0301\xa0", "\u00e9")],
)
def test_it_records_canonical_names_and_forwards_the_body_unchanged(
    gateway: Client, model: ScriptedModel, journaled: Journaled, name: str, kept: str
) -> None:
    body = json.dumps({"doctor_name": name, "patient_name": f"{name}\n"}, ensure_ascii=False).encode()
    assert predict(gateway, body).status_code == 200
    [record] = journaled()
    assert (record.doctor_name, record.patient_name) == (kept, kept)
    assert model.requests[-1].body == record.input_data.encode() == body


@pytest.mark.parametrize(
    "media", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/fhir+json"]
)
def test_it_accepts_any_json_media_type(gateway: Client, model: ScriptedModel, media: str) -> None:
    assert predict(gateway, CONTENT_TYPE=media).status_code == 200
    assert model.requests[-1].fields["content-type"] == media


def test_it_records_the_first_200_characters_of_a_models_name(
    gateway: Client, model: ScriptedModel, journaled: Journaled
) -> None:
    answer = b'{"model": {"name": "%s", "version": "1\\u0000\\ud800"}}' % (b"n" * 300)
    model.script = lambda conversation: conversation.answer(answer)
    assert predict(gateway).content == answer
    [record] = journaled()
    assert (record.model_name, record.model_version) == ("n" * 200, "1?")


def test_it_records_a_models_version_that_is_a_number(
    gateway: Client, model: ScriptedModel, journaled: Journaled
) -> None:
    model.script = lambda conversation: conversation.answer(b'{"model": {"name": "m", "version": 2.50}}')
    predict(gateway)
    assert journaled()[0].model_version == "2.50"


def test_every_answer_has_its_own_id(gateway: Client, settings: Settings, journaled: Journaled) -> None:
    minted = [UUID(predict(gateway)["X-Inference-ID"]) for _ in range(5)]
    assert {name.version for name in minted} == {7}
    assert minted == sorted(set(minted), key=minted.index)
    assert [record.id for record in journaled()] == minted
    assert predict(gateway, BODY)["X-Inference-ID"] not in map(str, minted)
