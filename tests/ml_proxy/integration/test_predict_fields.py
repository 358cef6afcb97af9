"""Header fields and content codings of a prediction, in both directions."""

import base64
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.gateway import Journaled, assert_problem, predict
from tests.support.model import PREDICTION, Script, ScriptedModel


def coded(body: bytes, coding: str, *more: str) -> Script:
    head = f"Content-Type: application/json\r\nContent-Encoding: {coding}\r\n" + "".join(more)
    return lambda conversation: conversation.answer(body, head=head.encode())


GZIP = 31  # the window size that makes zlib write gzip; without a timestamp, which would change a test's name


def packed(body: bytes, window: int = GZIP) -> bytes:
    engine = zlib.compressobj(wbits=window)
    return engine.compress(body) + engine.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", packed(PREDICTION)),
        ("X-GZIP", packed(PREDICTION)),
        ("identity", PREDICTION),
        ("", PREDICTION),
        *[("deflate", packed(PREDICTION, window)) for window in (15, 9, 12, -15, -9)],
    ],
)
def test_it_passes_on_a_compressed_answer_and_records_it_decompressed(
    gateway: Client, model: ScriptedModel, journaled: Journaled, coding: str, body: bytes
) -> None:
    model.script = coded(body, coding)
    response = predict(gateway, HTTP_ACCEPT_ENCODING="gzip, deflate, br")
    assert (response.content, response["Content-Encoding"]) == (body, coding)
    assert response["Content-Length"] == str(len(body))
    assert [record.output_data.encode() for record in journaled()] == [PREDICTION]


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", PREDICTION),
        ("gzip", b""),
        ("gzip", packed(PREDICTION)[:-1]),
        ("gzip", packed(PREDICTION) + b"{}"),
        ("gzip", packed(PREDICTION) + packed(PREDICTION)),
        ("gzip", packed(b"not json")),
        ("deflate", b""),
        ("deflate", b"x"),
        ("deflate", packed(PREDICTION, 15)[:-1]),
        ("gzip, gzip", packed(packed(PREDICTION))),
        ("br", PREDICTION),
        ("unknown", PREDICTION),
    ],
)
def test_it_withholds_an_answer_that_it_cannot_decompress(
    gateway: Client, model: ScriptedModel, journaled: Journaled, coding: str, body: bytes
) -> None:
    model.script = coded(body, coding)
    assert_problem(predict(gateway), 502, "upstream-not-json")
    assert journaled() == []


@pytest.mark.parametrize("window", [GZIP, 15, -15])
def test_it_limits_the_decompressed_size(
    gateway: Client, model: ScriptedModel, settings: Settings, journaled: Journaled, window: int
) -> None:
    settings.MAX_ANSWER_BYTES = 100_000
    coding = "gzip" if window == GZIP else "deflate"
    model.script = coded(packed(b"[" + b" " * 30_000_000 + b"]", window), coding)
    tracemalloc.start()
    try:
        assert_problem(predict(gateway), 502, "upstream-too-large")
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    assert journaled() == []
    model.script = coded(packed(b"[" + b" " * 99_998 + b"]", window), coding)
    assert predict(gateway).status_code == 200


def test_it_passes_on_every_end_to_end_field_of_the_answer(gateway: Client, model: ScriptedModel) -> None:
    kept = [
        ("Content-Type", 'application/vnd.model+json; x="1"'),
        ("X-Two", "a=1; Path=/"),
        ("X-Two", "b=2"),
        ("Warning", "199 - one"),
        ("Warning", "199 - two"),
        ("X-Odd", "\xed\x95\x9c \xc3\xbf\ttab"),
        ("X-Empty", ""),
        ("ETag", 'W/"7"'),
        ("Cache-Control", "private"),
    ]
    dropped = [("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "5"), ("Upgrade", "h2c")]
    own = [("X-Request-ID", "theirs"), ("X-Request-ID", "theirs"), ("X-Inference-ID", "t"), ("X-Inference-ID", "t")]
    head = "".join(f"{name}: {value}\r\n" for name, value in kept + dropped + own).encode("latin-1")
    model.script = lambda conversation: conversation.answer(head=head)
    response = predict(gateway, HTTP_X_REQUEST_ID="mine")
    sent = sorted(response.items())
    assert [field for field in sent if field[0] in dict(kept)] == sorted(kept)
    assert not dict(dropped).keys() & dict(sent).keys()
    assert [value for name, value in sent if name == "X-Request-ID"] == ["mine"]
    assert [len(value) for name, value in sent if name == "X-Inference-ID"] == [36]


def test_it_adds_no_content_type(gateway: Client, model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(head=b"")
    response = predict(gateway)
    assert (response.status_code, "Content-Type" in response) == (200, False)


FIELDS: dict[str, Any] = {
    "HTTP_ACCEPT": "application/json;q=0.9",
    "HTTP_ACCEPT_LANGUAGE": "ko",
    "HTTP_USER_AGENT": "clinic/1",
    "HTTP_X_FORWARDED_FOR": "10.0.0.7",
    "HTTP_TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "HTTP_X_ODD": "\xed\x95\x9c \xff",
}
KEPT_BACK: dict[str, Any] = {
    "HTTP_AUTHORIZATION": "Bearer secret",
    "HTTP_COOKIE": "sessionid=secret",
    "HTTP_X_CSRFTOKEN": "secret",
    "HTTP_PROXY_AUTHORIZATION": "Basic secret",
    "HTTP_CONNECTION": "close, X-Hop",
    "HTTP_X_HOP": "secret",
    "HTTP_TE": "trailers",
    "HTTP_UPGRADE": "websocket",
    "HTTP_EXPECT": "100-continue",
}


def test_it_forwards_the_callers_fields_without_credentials(gateway: Client, model: ScriptedModel) -> None:
    response = predict(gateway, **FIELDS, **KEPT_BACK)
    assert response.status_code == 200
    [request] = model.requests
    assert request.line == "POST /api/v1/predict HTTP/1.1"
    for name, value in FIELDS.items():
        assert request.fields[name[5:].lower().replace("_", "-")] == value
    own = {"host", "content-length", "content-type", "accept-encoding", "x-request-id"}
    assert set(request.fields) - {""} == own | {name[5:].lower().replace("_", "-") for name in FIELDS}
    assert request.fields["host"] == model.url.removeprefix("http://")
    assert b"secret" not in request.head


@pytest.mark.parametrize("given", ["r-1", "x" * 128, "!~/:=;", "0"])
def test_it_keeps_a_usable_request_id(
    gateway: Client, model: ScriptedModel, journaled: Journaled, given: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert predict(gateway, HTTP_X_REQUEST_ID=given)["X-Request-ID"] == given
    assert model.requests[-1].fields["x-request-id"] == given
    assert [record.request_id for record in journaled()] == [given]


@pytest.mark.parametrize("given", [None, "", " ", "a b", "x" * 129, "\xe9", "a\tb", "a,\x7f"])
def test_it_generates_a_request_id_if_none_is_usable(
    gateway: Client, model: ScriptedModel, journaled: Journaled, given: str | None
) -> None:
    made = predict(gateway, **({} if given is None else {"HTTP_X_REQUEST_ID": given}))["X-Request-ID"]
    assert len(made) == 36
    assert made not in {given, predict(gateway)["X-Request-ID"]}
    assert model.requests[0].fields["x-request-id"] == journaled()[0].request_id == made


def test_it_requests_only_codings_that_it_can_decode(gateway: Client, model: ScriptedModel) -> None:
    for offered, asked in (("gzip, br;q=1", "gzip"), ("br", "identity"), (None, "identity")):
        predict(gateway, **({} if offered is None else {"HTTP_ACCEPT_ENCODING": offered}))
        assert model.requests[-1].fields["accept-encoding"] == asked


def test_names_are_only_in_the_record(
    gateway: Client, model: ScriptedModel, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    predict(gateway, {"doctor_name": "Dr. Secret", "patient_name": "Patient Secret"})
    predict(gateway, json.dumps({"doctor_name": "Dr. Secret"}) + "Secret", QUERY_STRING="Secret")
    model.script = coded(b"Secret", "Secret")
    predict(gateway)
    written = capfd.readouterr().err
    assert written.count("POST /ml/v1/predict/") == 3
    assert "Secret" not in written + caplog.text


def test_it_sends_the_user_of_the_model_servers_url_and_no_password_in_it(
    gateway: Client, model: ScriptedModel, settings: Settings
) -> None:
    settings.ML_SERVER_URL = model.url.replace("http://", "http://clinic:p%23w%2F@")
    body = {"doctor_name": "Dr. Who", "patient_name": "somebody"}
    answer = gateway.post("/ml/v1/predict/", body, content_type="application/json")
    assert answer.status_code == 200
    [asked] = model.requests
    assert asked.fields["authorization"] == f"Basic {base64.b64encode(b'clinic:p#w/').decode()}"
    assert asked.fields["host"] == model.url.removeprefix("http://")
    assert asked.line == "POST /api/v1/predict HTTP/1.1"
