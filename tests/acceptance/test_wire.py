"""Behaviour that needs a real server: chunked bodies, incomplete bodies, and the bytes of an answer."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ml_proxy.records import InferenceRecord
from recording.journal import Spool
from recording.records import source_of
from tests.support.gateway import BODY, PREFIX, sends_and_stays_open
from tests.support.model import PREDICTION, Conversation, ScriptedModel
from tests.support.system import System

CAP = 50_000  # bytes
RAW = json.dumps(BODY).encode()
HEAD = b"POST /ml/v1/predict/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, ScriptedModel]]:
    """Only the gateway process: an answer needs neither Redis nor a database."""
    server = ScriptedModel()
    proxy = {"HTTP_PROXY": "http://user:secret@127.0.0.1:9", "http_proxy": "http://user:secret@127.0.0.1:9"}
    made = System(tmp_path_factory.mktemp("wire"), ml_server_url=server.url, MAX_BODY_BYTES=str(CAP), **proxy)
    made.start("web")
    yield made, server
    made.stop()
    server.close()


@pytest.fixture
def server(system: tuple[System, ScriptedModel]) -> ScriptedModel:
    """The model, reset."""
    server = system[1]
    server.script = Conversation.answer
    server.requests.clear()
    return server


class Caller:
    """A raw connection to the gateway."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *pieces: bytes) -> "Caller":
        for piece in pieces:
            self.sock.sendall(piece)
        return self

    def answer(self, method: str = "POST") -> tuple[http.client.HTTPResponse, bytes]:
        response = http.client.HTTPResponse(self.sock, method=method)
        response.begin()
        return response, response.read()


@pytest.fixture
def caller(system: tuple[System, ScriptedModel], server: ScriptedModel) -> Iterator[Caller]:
    made = Caller(int(system[0].environment["GATEWAY_PORT"]))
    yield made
    made.sock.close()


@pytest.fixture
def count(system: tuple[System, ScriptedModel]) -> Any:
    """Counts the inferences in the journal, which also holds records of the access log."""
    spool = Spool(system[0].folder / "journal")

    def counted() -> int:
        entries = (entry for name in spool.segments() for entry in spool.entries(name))
        return sum(source_of(entry.payload)[0] == InferenceRecord.SOURCE for entry in entries)

    return counted


def problem(body: bytes) -> tuple[int, str]:
    found = json.loads(body)
    return found["status"], found["type"].removeprefix(PREFIX)


def chunks(body: bytes, size: int = 1) -> list[bytes]:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]


def test_it_accepts_a_chunked_body(caller: Caller, server: ScriptedModel, count: Any) -> None:
    before = count()
    body = json.dumps(BODY | {"scan": "0" * 2000}).encode()
    response, answer = caller.send(CHUNKED, *chunks(body), b"0\r\n\r\n").answer()
    assert (response.status, answer, count()) == (200, PREDICTION, before + 1)
    [request] = server.requests
    assert (request.body, request.fields["content-length"]) == (body, str(len(body)))
    assert "transfer-encoding" not in request.fields


def test_it_accepts_a_chunked_body_up_to_the_limit(caller: Caller, server: ScriptedModel) -> None:
    body = RAW + b" " * (CAP - len(RAW))
    assert caller.send(CHUNKED, *chunks(body, 700), b"0\r\n\r\n").answer()[0].status == 200
    assert server.requests[0].body == body


def test_it_answers_413_to_chunks_beyond_the_limit_before_they_end(
    caller: Caller, server: ScriptedModel, count: Any
) -> None:
    before = count()
    response, body = caller.send(CHUNKED, *chunks(RAW + b" " * (CAP - len(RAW) + 1), 700)).answer()
    assert (response.status, response.headers["Content-Type"]) == (413, "application/problem+json")
    assert problem(body) == (413, "body-too-large")
    assert (server.requests, count()) == ([], before)


def test_it_answers_413_to_a_length_beyond_the_limit_without_the_body(caller: Caller, server: ScriptedModel) -> None:
    response, body = caller.send(HEAD, b"Content-Length: %d\r\n\r\n" % (CAP + 1)).answer()
    assert (response.status, problem(body)) == (413, (413, "body-too-large"))
    assert server.requests == []


def test_it_supports_expect_100_continue(caller: Caller) -> None:
    caller.send(HEAD, b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(RAW))
    assert caller.sock.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 100"
    while caller.sock.recv(1) != b"\n" or caller.sock.recv(2, socket.MSG_WAITALL) != b"\r\n":
        pass
    assert caller.send(RAW).answer()[1] == PREDICTION


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: %d\r\n\r\n" % (len(RAW) + 5) + RAW,
        HEAD + b"Content-Length: %d\r\n\r\n" % len(RAW) + RAW[:-1],
        HEAD + b"Content-Length: 40\r\n\r\n",
        CHUNKED + b"".join(chunks(RAW[:-1])),
        CHUNKED + b"".join(chunks(RAW[:-1])) + b"5\r\n",
        CHUNKED + b"".join(chunks(RAW[:-1])) + b"five\r\n",
    ],
)
def test_it_rejects_an_incomplete_body(
    caller: Caller, server: ScriptedModel, system: tuple[System, ScriptedModel], count: Any, sent: bytes
) -> None:
    """The server does not report incomplete chunks; then half of the JSON is invalid."""
    before = count()
    caller.send(sent)
    caller.sock.shutdown(socket.SHUT_WR)
    try:
        response, _ = caller.answer()
    except (http.client.HTTPException, OSError):
        pass  # the caller had closed its connection
    else:
        assert response.status == 400
    assert system[0].predict(BODY).status_code == 200
    assert (len(server.requests), count()) == (1, before + 1)


@pytest.mark.parametrize("length", [2, len(RAW) - 1, len(RAW) + 1, 10**9])
def test_it_ignores_a_length_beside_chunks(caller: Caller, server: ScriptedModel, length: int) -> None:
    caller.send(
        HEAD, b"Content-Length: %d\r\n" % length, b"Transfer-Encoding: chunked\r\n\r\n", *chunks(RAW, 9), b"0\r\n\r\n"
    )
    response, body = caller.answer()
    assert (response.status, body) == (200, PREDICTION) or response.status == 400
    assert [request.body for request in server.requests] == ([RAW] if response.status == 200 else [])


@pytest.mark.parametrize("line", [b"200 OK", b"299 Odd", b"418 I'm a teapot", b"599 Odd", b"600 Odder", b"999 Oddest"])
def test_it_passes_fields_and_bytes_on(caller: Caller, server: ScriptedModel, line: bytes) -> None:
    head = b"X-Two: a=1\r\nContent-Encoding: x-odd\r\nX-Two: b=2\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.script = sends_and_stays_open(b"HTTP/1.1 ", line, b"\r\n", head, b"3\r\n\x00\xff\n\r\n0\r\n\r\n")
    caller.send(b"GET /ml/v1/status/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-ID: mine\r\n\r\n")
    response, body = caller.answer("GET")
    assert (response.status, body) == (int(line[:3]), b"\x00\xff\n")
    expected = {
        "X-Two": ["a=1", "b=2"],
        "Content-Encoding": ["x-odd"],
        "Content-Length": ["3"],
        "X-Request-ID": ["mine"],
    }
    assert {name: response.headers.get_all(name) for name in expected} == expected
    assert "Transfer-Encoding" not in response.headers


@pytest.mark.parametrize("line", [b"204 No Content", b"304 Not Modified"])
def test_it_passes_an_answer_without_a_body_on(caller: Caller, server: ScriptedModel, line: bytes) -> None:
    server.script = sends_and_stays_open(b"HTTP/1.1 ", line, b'\r\nETag: "7"\r\n\r\n')
    for _ in range(2):  # on one connection: no byte of the first answer may remain
        caller.send(b"GET /ml/v1/status/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        response, body = caller.answer("GET")
        assert (response.status, body, response.getheader("ETag")) == (int(line[:3]), b"", '"7"')
        assert response.getheader("Transfer-Encoding") is None


def test_it_answers_head_without_a_body(caller: Caller) -> None:
    caller.send(b"HEAD /ml/v1/status/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    response, _ = caller.answer("HEAD")
    assert response.getheader("Content-Length") == str(len(PREDICTION))
    caller.send(b"GET /ml/v1/status/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert caller.answer("GET")[1] == PREDICTION


def test_it_sends_the_callers_fields_on_and_no_variable_of_its_own_process(
    caller: Caller, server: ScriptedModel
) -> None:
    caller.send(b"GET /ml/v1/status/?a=%20b&%EA HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: 1\r\nx-a: 2\r\n\r\n").answer("GET")
    [request] = server.requests
    assert request.line == "GET /api/v1/status?a=%20b&%EA HTTP/1.1"
    assert request.fields["x-a"].replace(" ", "") == "1,2"
    assert "proxy" not in request.fields
    assert b"secret" not in request.head


@pytest.mark.parametrize("value", ["김민준".encode(), "é".encode(), b"a\tb"])
def test_it_passes_the_bytes_of_an_answers_fields_on(caller: Caller, server: ScriptedModel, value: bytes) -> None:
    server.script = lambda conversation: conversation.answer(head=b"X-Said: " + value + b"\r\n")
    response, _ = caller.send(HEAD, b"Content-Length: %d\r\n\r\n" % len(RAW), RAW).answer()
    assert str(response.getheader("X-Said")).encode("latin-1") == value


@pytest.mark.parametrize("value", ["김민준".encode(), b"\xe9", b"a\r\nX-User: \xe9", b""])
def test_it_refuses_a_field_whose_bytes_do_not_reach_it(caller: Caller, server: ScriptedModel, value: bytes) -> None:
    head = HEAD + b"X-User: " + value + b"\r\nContent-Length: %d\r\n\r\n" % len(RAW)
    response, body = caller.send(head, RAW).answer()
    assert (response.status, problem(body)) == (400, (400, "bad-input"))
    assert [error["pointer"] for error in json.loads(body)["errors"]] == ["X-User"]
    assert server.requests == []


def test_it_refuses_a_host_that_is_not_its_own(caller: Caller, server: ScriptedModel) -> None:
    response, body = caller.send(HEAD.replace(b"127.0.0.1", b"evil.example"), b"Content-Length: 2\r\n\r\n{}").answer()
    assert (response.status, problem(body), server.requests) == (400, (400, "bad-input"), [])
