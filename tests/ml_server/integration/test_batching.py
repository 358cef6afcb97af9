"""Predictions of many connections at once, through real sockets. A stopped process makes them arrive together."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse
from typing import Any

import pytest

from tests.ml_server.integration.test_ml_server import SECONDS, Server, serving
from tests.support.wait import until

CALLERS = 40  # more than a batch holds


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("state")) as server:
        yield server


def request(body: bytes, *headers: str, version: str = "1.1") -> bytes:
    head = [f"POST /api/v1/predict HTTP/{version}", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def answer(connection: socket.socket) -> tuple[HTTPResponse, Any]:
    response = HTTPResponse(connection)
    response.begin()
    return response, json.loads(response.read())


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """What is sent in this block arrives together."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


def test_each_caller_gets_his_own_answer_or_error(server: Server) -> None:
    example = server.example()
    name, value = next(iter(example["features"].items()))
    moved = [value * (1 - number / 200) for number in range(CALLERS)]
    bodies = [{**example, "features": example["features"] | {name: each}} for each in moved]
    bodies[3]["features"] = {}
    raws = [json.dumps(body).encode() for body in bodies]
    raws[5] = b"{"
    alone = [server.post("predict", body).json()["predictions"] for body in bodies[10:12]]
    batches = server.get("status")["batching"]["batches"]
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)) for _ in bodies
        ]
        for connection in connections:  # each is accepted before they all send
            connection.sendall(request(raws[0]))
            answer(connection)
        with stopped(server):
            for number, connection in enumerate(connections):
                connection.sendall(request(raws[number], f"X-Request-ID: batch-{number}"))
        got = [answer(connection) for connection in connections]
    statuses = [response.status for response, _ in got]
    assert (statuses[3], statuses[5]) == (422, 400)
    assert statuses.count(200) == CALLERS - 2
    assert got[3][1]["fields"]
    assert [body["predictions"] for _, body in got[10:12]] == alone
    assert {response.headers["Content-Type"] for response, _ in got} == {"application/json"}
    counted = server.get("status")["batching"]
    assert counted["batches"] > batches
    assert 1 < counted["largest"] <= 32
    until(lambda: server.printed().count("request_id=batch-") == CALLERS)
    assert server.printed().count(" POST /api/v1/predict 422 ") == 1


def test_it_answers_pipelined_requests_in_order(server: Server) -> None:
    raw = json.dumps(server.example()).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        connection.sendall(request(raw) + request(b"{") + request(raw, "Connection: close"))
        got = b"".join(iter(lambda: connection.recv(65536), b""))
    assert [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400", b"200"]


def test_it_closes_connections_as_the_caller_wants(server: Server) -> None:
    raw = json.dumps(server.example()).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        connection.sendall(request(raw, version="1.0"))
        assert b"".join(iter(lambda: connection.recv(65536), b"")).startswith(b"HTTP/1.0 200 OK\r\n")


def test_callers_who_went_away_do_not_harm_the_others(server: Server) -> None:
    raw = json.dumps(server.example()).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as staying:
        with stopped(server):
            for _ in range(5):
                with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as leaving:
                    leaving.sendall(request(raw))
            staying.sendall(request(raw))
        assert answer(staying)[0].status == 200
