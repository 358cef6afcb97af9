"""Connections are pooled, nothing is sent twice, and the environment has no effect."""

import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.gateway import BODY, Journaled, assert_problem, predict, resets, sends
from tests.support.model import PREDICTION, Conversation, Script, ScriptedModel

pytestmark = pytest.mark.usefixtures("transport")


@pytest.fixture
def proxy() -> Iterator[ScriptedModel]:
    """Another listening server, which must get no requests."""
    server = ScriptedModel()
    yield server
    server.close()


def test_it_reuses_connections(gateway: Client, model: ScriptedModel) -> None:
    for _ in range(3):
        assert predict(gateway).status_code == 200
    assert gateway.get("/ml/v1/status/").status_code == 200
    assert len({request.sock for request in model.requests}) == 1


@pytest.mark.parametrize("ends", [sends(), resets])
def test_it_never_sends_a_prediction_again(
    gateway: Client, model: ScriptedModel, journaled: Journaled, ends: Script
) -> None:
    """The model closes a pooled connection at the moment when the next request arrives."""
    assert predict(gateway).status_code == 200
    model.script = ends
    assert_problem(predict(gateway), 502, "upstream-unreachable")
    first, second = model.requests
    assert first.sock is second.sock
    model.script = Conversation.answer
    assert predict(gateway).content == PREDICTION
    assert (len(model.requests), len(journaled())) == (3, 2)


def test_it_opens_another_connection_if_the_pooled_one_was_closed(gateway: Client, model: ScriptedModel) -> None:
    closed = threading.Event()

    def answer_and_close(conversation: Conversation) -> None:
        conversation.answer(head=b"Content-Type: application/json\r\nConnection: close\r\n")
        conversation.sock.close()
        closed.set()

    model.script = answer_and_close
    for count in range(1, 4):
        closed.clear()
        assert predict(gateway).status_code == 200
        assert closed.wait(60)
        assert len({request.sock for request in model.requests}) == count == len(model.requests)


def test_it_supports_an_http_1_0_server(gateway: Client, model: ScriptedModel, journaled: Journaled) -> None:
    model.script = sends(b"HTTP/1.0 200 OK\r\n\r\n", PREDICTION)
    assert predict(gateway).content == PREDICTION
    assert [record.output_data.encode() for record in journaled()] == [PREDICTION]


@pytest.mark.parametrize("transport", ["llhttp"], indirect=True)
@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
@pytest.mark.parametrize("together", [True, False])
def test_it_waits_for_the_final_answer_after_an_interim_one(
    gateway: Client, model: ScriptedModel, interim: bytes, together: bool
) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(PREDICTION) + PREDICTION
    early = b"HTTP/1.1 " + interim + b"\r\nX-Interim: 1\r\n\r\n"

    def script(conversation: Conversation) -> None:
        for data in [early + whole] if together else [early, early, whole]:
            conversation.send(data)

    model.script = script
    response = predict(gateway)
    assert (response.content, "X-Interim" in response) == (PREDICTION, False)
    assert predict(gateway).content == PREDICTION
    assert len({conversation.sock for conversation in model.requests}) == 1  # it is reused


def test_it_passes_on_the_answer_of_a_model_that_stops_reading(gateway: Client, settings: Settings) -> None:
    """A model server that refuses a large body answers before the body has arrived, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(_refuse_unread, listener)
        settings.ML_SERVER_URL = f"http://127.0.0.1:{listener.getsockname()[1]}"
        response = predict(gateway, BODY | {"scan": "0" * 9_000_000})
    assert (response.status_code, response.content) == (413, b"no")


def _refuse_unread(listener: socket.socket) -> None:
    sock, _ = listener.accept()
    with sock:
        sock.recv(1024)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        sock.shutdown(socket.SHUT_WR)  # and then a reset, since the rest of the request is never read


def test_it_serves_many_concurrent_callers(gateway: Client, model: ScriptedModel, journaled: Journaled) -> None:
    """Each caller gets the answer to its own request, although many wait for the model at the same time."""
    count = 12
    together = threading.Barrier(count)

    def script(conversation: Conversation) -> None:
        together.wait(60)
        conversation.answer(conversation.body)

    model.script = script
    answers: dict[int, bytes] = {}

    def ask(number: int) -> None:
        answers[number] = predict(Client(), {"doctor_name": "a", "patient_name": "b", "n": number}).content

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(f'"n": {number}}}'.encode() in answers[number] for number in range(count))
    assert len({record.id for record in journaled()}) == count


@pytest.mark.parametrize("bypass", ["", "127.0.0.1", "*"])
def test_it_ignores_proxies_in_the_environment(
    gateway: Client, model: ScriptedModel, proxy: ScriptedModel, monkeypatch: pytest.MonkeyPatch, bypass: str
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv(name.upper(), proxy.url)
    monkeypatch.setenv("NO_PROXY", bypass)
    monkeypatch.setenv("no_proxy", bypass)
    assert predict(gateway).content == gateway.get("/ml/v1/status/").content == PREDICTION
    assert (len(model.requests), proxy.requests) == (2, [])


def test_it_ignores_netrc(
    gateway: Client, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("netrc", ".netrc", "_netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1 login someone password secret\ndefault login x password y\n")
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert predict(gateway).status_code == gateway.get("/ml/v1/status/").status_code == 200
    assert not [request for request in model.requests if "authorization" in request.fields]


def test_it_keeps_no_cookies(gateway: Client, model: ScriptedModel) -> None:
    cookie = b"Set-Cookie: session=1; Path=/\r\nSet-Cookie: \xc3\xbf=\xc2\x80; expires=never; Max-Age=x; Domain=.\r\n"
    model.script = lambda conversation: conversation.answer(head=cookie)
    for _ in range(2):
        assert predict(gateway).status_code == gateway.get("/ml/v1/status/").status_code == 200
    assert not [request for request in model.requests if "cookie" in request.fields]


@pytest.mark.parametrize(
    ("asked", "travels"),
    [
        ("a=b&c=%20d+e&a=", "a=b&c=%20d+e&a="),
        ("q=%EA%B9%80&r=/?:@!$'()*,;~", "q=%EA%B9%80&r=/?:@!$'()*,;~"),
        ("q=100%&r=%41", "q=100%25&r=%41"),
        ("\uae40".encode().decode("latin-1"), "%EA%B9%80"),
        ("a#b", "a%23b"),
    ],
)
def test_it_passes_the_query_on(gateway: Client, model: ScriptedModel, asked: str, travels: str) -> None:
    assert predict(gateway, QUERY_STRING=asked).status_code == 200
    assert gateway.get("/ml/v1/status/", QUERY_STRING=asked).status_code == 200
    targets = [request.line.split()[1] for request in model.requests]
    assert targets == [f"/api/v1/predict?{travels}", f"/api/v1/status?{travels}"]


@pytest.mark.parametrize("script", [Conversation.answer, sends(b"HTTP/1.1 200 OK\r\nbad line\r\n\r\n{}")])
def test_it_logs_no_query(
    gateway: Client,
    model: ScriptedModel,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    script: Script,
) -> None:
    caplog.set_level(logging.DEBUG)
    model.script = script
    predict(gateway, QUERY_STRING="patient=Kim")
    gateway.get("/ml/v1/status/?patient=Kim")
    written = capfd.readouterr().err
    assert written.count("ml_proxy.access") == 2
    assert "Kim" not in written + caplog.text


@pytest.mark.parametrize("prefix", ["", "/models/7"])
def test_it_uses_the_path_of_the_configured_url(
    gateway: Client, model: ScriptedModel, settings: Settings, prefix: str
) -> None:
    settings.ML_SERVER_URL = model.url + prefix
    gateway.get("/ml/v1/status/")
    gateway.get("/ml/v1/model-info/")
    assert [request.line for request in model.requests] == [
        f"GET {prefix}/api/v1/{name} HTTP/1.1" for name in ("status", "model-info")
    ]
    assert model.requests[-1].fields["host"] == model.url.removeprefix("http://")
