"""A model server with TLS: its certificate is verified, and the same deadline applies."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from common.outbound import sessions
from tests.support.certificate import self_signed
from tests.support.early_model import early_model
from tests.support.gateway import BODY, Journaled, assert_problem, predict, sends
from tests.support.model import PREDICTION, Conversation, ScriptedModel

pytestmark = pytest.mark.usefixtures("transport")

TOTAL = 0.3  # seconds
LATEST = 10  # seconds: the servers here would otherwise continue until the test ends


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_text(self_signed())
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def secure(gateway: Client, model: ScriptedModel, settings: Settings, certificate: Path) -> Client:
    """The gateway in front of a model that uses TLS."""
    model._server.socket = server_context(certificate).wrap_socket(model._server.socket, server_side=True)
    settings.ML_SERVER_URL = model.url.replace("http://", "https://")
    return gateway


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes the gateway trust the certificate, as if it had been started with it as an authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    sessions.begin_anew()
    yield
    sessions.begin_anew()


@pytest.mark.usefixtures("trusted")
def test_it_uses_tls(secure: Client, model: ScriptedModel, journaled: Journaled) -> None:
    for _ in range(2):
        assert predict(secure).content == PREDICTION
    assert secure.get("/ml/v1/status/").content == PREDICTION
    assert len({request.sock for request in model.requests}) == 1
    assert len(journaled()) == 2


def test_it_refuses_a_certificate_that_it_does_not_trust(
    secure: Client, model: ScriptedModel, journaled: Journaled
) -> None:
    assert_problem(predict(secure), 502, "upstream-unreachable")
    assert_problem(secure.get("/ml/v1/status/"), 502, "upstream-unreachable")
    assert (model.requests, journaled()) == ([], [])


@pytest.mark.usefixtures("trusted")
def test_it_sends_large_bodies_over_tls(secure: Client, model: ScriptedModel) -> None:
    body = b'{"doctor_name": "a", "patient_name": "b", "scan": "' + b"0" * 9_000_000 + b'"}'
    for _ in range(2):
        assert predict(secure, body).content == PREDICTION
    assert [request.body for request in model.requests] == [body, body]
    assert len({request.sock for request in model.requests}) == 1


@pytest.mark.usefixtures("trusted")
def test_it_passes_on_the_answer_of_a_model_that_closes_the_connection(
    gateway: Client, settings: Settings, certificate: Path
) -> None:
    said = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"
    with early_model(settings, said, hangs_up=True, tls=server_context(certificate)):
        for _ in range(5):
            response = predict(gateway, BODY | {"scan": "0" * 9_000_000})
            assert (response.status_code, response.content) == (413, b"no")


@pytest.mark.usefixtures("trusted")
def test_it_refuses_a_certificate_of_another_host(secure: Client, model: ScriptedModel, settings: Settings) -> None:
    settings.ML_SERVER_URL = settings.ML_SERVER_URL.replace("127.0.0.1", "localhost")
    assert_problem(predict(secure), 502, "upstream-unreachable")
    assert model.requests == []


@pytest.mark.usefixtures("trusted")
def test_the_deadline_includes_the_handshake(gateway: Client, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings.ML_SERVER_URL = f"https://127.0.0.1:{mute.getsockname()[1]}"
        settings.UPSTREAM_TOTAL_SECONDS = TOTAL
        started = time.monotonic()
        assert_problem(predict(gateway), 504, "upstream-timeout")
        assert TOTAL <= time.monotonic() - started < LATEST


@pytest.mark.usefixtures("trusted")
def test_the_deadline_applies_to_a_slow_answer(
    secure: Client, model: ScriptedModel, settings: Settings, journaled: Journaled
) -> None:
    def drip(conversation: Conversation) -> None:
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not model.gone.wait(TOTAL / 10):
            conversation.send(b" ")

    model.script, settings.UPSTREAM_TOTAL_SECONDS = drip, TOTAL
    started = time.monotonic()
    assert_problem(predict(secure), 504, "upstream-timeout")
    assert TOTAL <= time.monotonic() - started < LATEST
    assert journaled() == []
    model.script, settings.UPSTREAM_TOTAL_SECONDS = Conversation.answer, 20
    assert predict(secure).content == PREDICTION


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"])
def test_it_answers_502_to_a_truncated_answer(secure: Client, model: ScriptedModel, said: bytes) -> None:
    model.script = sends(said)
    assert predict(secure).status_code == secure.get("/ml/v1/status/").status_code == 502
    model.script = Conversation.answer
    assert predict(secure).content == PREDICTION


@pytest.mark.usefixtures("trusted")
def test_it_enforces_the_size_limit(secure: Client, model: ScriptedModel, settings: Settings) -> None:
    settings.MAX_ANSWER_BYTES = 1000
    model.script = sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n", b" " * 3_000_000)
    assert_problem(predict(secure), 502, "upstream-too-large")
