"""An answer sent before the request was read is passed on; a protocol switch is refused."""

import json
import socket
import threading

import pytest
from django.test import Client
from pytest_django import Settings

from jobs.models import Job
from tests.support.early_model import early_model
from tests.support.gateway import BODY, Journaled, assert_problem, predict, sends_and_stays_open
from tests.support.model import PREDICTION, Conversation, ScriptedModel

pytestmark = [pytest.mark.usefixtures("transport"), pytest.mark.any_database]

LARGE = json.dumps(BODY | {"scan": "0" * 9_000_000}).encode()
SAID = b'{"detail": "no"}'
STATUSES = ["401 Unauthorized", "413 Content Too Large", "429 Too Many Requests", "503 Service Unavailable"]


def refusal(status: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(SAID)}\r\n\r\n"
    return head.encode() + SAID


@pytest.mark.parametrize("status", STATUSES)
def test_it_passes_on_the_answer_of_a_model_that_closes_the_connection(
    gateway: Client, settings: Settings, journaled: Journaled, status: str
) -> None:
    with early_model(settings, refusal(status), hangs_up=True) as model:
        for count in (1, 2):
            response = predict(gateway, LARGE)
            assert (f"{response.status_code}", response.content) == (status[:3], SAID)
            assert model.connections == count
    assert journaled() == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n%s\r\n0\r\n\r\n" % SAID,
        b"HTTP/1.1 413 Too Large\r\n\r\n" + SAID,
        b"HTTP/1.0 413 Too Large\r\n\r\n" + SAID,
        b"HTTP/1.1 100 Continue\r\n\r\n" + refusal("413 Too Large"),
    ],
)
def test_it_passes_on_a_refusal_in_any_form(gateway: Client, settings: Settings, answer: bytes) -> None:
    with early_model(settings, answer, hangs_up=True):
        for _ in range(5):
            response = predict(gateway, LARGE)
            assert (response.status_code, response.content) == (413, SAID)


@pytest.mark.parametrize(
    "transport", ["llhttp"], indirect=True
)  # the stock adapter sends the whole request before it reads
@pytest.mark.parametrize("status", STATUSES)
def test_it_stops_sending_to_a_model_that_has_refused(gateway: Client, settings: Settings, status: str) -> None:
    with early_model(settings, refusal(status), hangs_up=False) as model:
        for count in (1, 2):
            response = predict(gateway, LARGE)
            assert (f"{response.status_code}", response.content) == (status[:3], SAID)
            assert model.connections == count  # the previous connection has half a request on it


@pytest.mark.parametrize("early", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"])
def test_it_continues_sending_after_an_interim_answer(gateway: Client, settings: Settings, early: bytes) -> None:
    rest = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" if b"100" in early else b"\r\n{}"
    sizes: list[int] = []

    def serve(listener: socket.socket) -> None:
        sock, _ = listener.accept()
        with sock:
            received = sock.recv(1024)
            sock.sendall(early)
            while not received.endswith(b'0"}'):
                received += sock.recv(1_000_000)
            sizes.append(len(received.partition(b"\r\n\r\n")[2]))
            sock.sendall(rest)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.ML_SERVER_URL = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        response = predict(gateway, LARGE)
        thread.join()
    assert (response.status_code, response.content, sizes) == (200, b"{}", [len(LARGE)])


def test_a_model_that_closes_the_connection_without_an_answer_is_unreachable(
    gateway: Client, settings: Settings
) -> None:
    with early_model(settings, b"", hangs_up=True) as model:
        assert_problem(predict(gateway, LARGE), 502, "upstream-unreachable")
        assert model.connections == 1


@pytest.mark.parametrize(
    "switching",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    ],
)
def test_it_answers_502_at_once_to_a_change_of_protocol(
    gateway: Client, model: ScriptedModel, journaled: Journaled, switching: bytes
) -> None:
    model.script = sends_and_stays_open(switching)
    assert_problem(predict(gateway), 502, "upstream-broken")
    assert_problem(gateway.get("/ml/v1/status/"), 502, "upstream-broken")
    assert journaled() == []
    model.script = Conversation.answer
    assert predict(gateway).content == PREDICTION


UTF_8 = ["김민준".encode(), "é".encode(), "\x85\x80".encode(), b"a\tb"]
OTHERS = [b"\xe9", bytes(range(0xA0, 0x100)), b"\x85\x80"]


@pytest.mark.parametrize("value", UTF_8 + OTHERS)
def test_it_passes_on_every_value_of_a_request(gateway: Client, model: ScriptedModel, value: bytes) -> None:
    """WSGI decodes the bytes of a field as Latin-1, in both directions."""
    assert predict(gateway, HTTP_X_USER=value.decode("latin-1")).status_code == 200
    assert model.requests[0].fields["x-user"].encode("latin-1") == value


@pytest.mark.parametrize("value", UTF_8)
def test_it_passes_on_values_of_an_answer_in_utf_8(gateway: Client, model: ScriptedModel, value: bytes) -> None:
    model.script = lambda conversation: conversation.answer(head=b"X-Said: " + value + b"\r\n")
    assert predict(gateway)["X-Said"].encode("latin-1") == value


@pytest.mark.django_db
@pytest.mark.parametrize("value", OTHERS)
def test_it_withholds_an_answer_with_a_value_that_is_not_utf_8(
    gateway: Client, model: ScriptedModel, journaled: Journaled, value: bytes
) -> None:
    model.script = lambda conversation: conversation.answer(head=b"X-Said: " + value + b"\r\n")
    retrain = gateway.post("/ml/v1/retrain/", b"{}", content_type="application/json")
    for response in (predict(gateway), gateway.get("/ml/v1/status/"), retrain):
        assert "X-Said" in assert_problem(response, 502, "upstream-broken")["detail"]
    assert journaled() == []
    assert Job.objects.get().state == Job.State.SUCCEEDED  # the training itself
