"""The model server as a process: real sockets, kills and restarts."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import psutil
import pytest
import requests

from tests.support.network import free_port
from tests.support.wait import until

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "ml_server"]
STREAMED = {"Accept": "application/x-ndjson"}
LONG = {"params": {"min_seconds": 86400}}
SECONDS = 60  # the longest wait for any one answer, on a busy machine


class Server:
    """A model server with a state folder of its own, and its output."""

    def __init__(self, state: Path, port: int) -> None:
        self.port = port
        self.models = state / "models" / "breast-cancer-wisconsin"
        self._printed = state / "printed"
        variables = {"VAR_DIR": str(state), "ML_SERVER_PORT": str(port), "BIND_HOST": "", "LOG_LEVEL": ""}
        with self._printed.open("wb") as printed:
            self.process = subprocess.Popen(
                COMMAND, cwd=ROOT, env=os.environ | variables, stdout=printed, stderr=printed, start_new_session=True
            )

    def printed(self) -> str:
        return self._printed.read_text()

    def status(self) -> int:
        return self.process.wait(SECONDS)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def get(self, path: str) -> Any:
        return requests.get(self.url(path), timeout=SECONDS).json()

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        return requests.post(self.url(path), json=body, timeout=SECONDS, **more)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1/{path}"

    def example(self, position: int = 0) -> Any:
        return self.get("model-info")["models"][position]["example"]

    def version(self, position: int = 0) -> str:
        version: str = self.get("model-info")["models"][position]["version"]
        return version

    def is_training(self) -> bool:
        running: bool = self.get("status")["training"]["running"]
        return running

    def entries(self) -> list[str]:
        return sorted(entry.name for entry in self.models.iterdir())


@contextmanager
def started(state: Path, port: int) -> Iterator[Server]:
    server = Server(state, port)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@contextmanager
def serving(state: Path) -> Iterator[Server]:
    with started(state, free_port()) as server:
        until(lambda: "is served on" in server.printed(), seconds=SECONDS, what="the model server")
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("state")) as server:
        yield server


@contextmanager
def raw_retrain(server: Server, *headers: str) -> Iterator[socket.socket]:
    """Requests a retrain that lasts a day, on a socket that the test may close."""
    body = json.dumps(LONG)
    head = ["POST /api/v1/retrain HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        connection.sendall("\r\n".join([*head, "", body]).encode())
        yield connection


def read_until(connection: socket.socket, holds: bytes) -> bytes:
    got = b""
    while holds not in got:
        chunk = connection.recv(4096)
        assert chunk, got
        got += chunk
    return got


def test_it_predicts_without_any_setup(server: Server) -> None:
    answer = server.post("predict", {"doctor_name": "Dr. Kim", "patient_name": "Lee", **server.example()})
    assert answer.status_code == 200
    assert answer.json().keys() == {"model", "predictions"}
    assert answer.headers["Content-Type"] == "application/json"
    assert "Server" not in answer.headers


def test_it_cancels_a_training_if_its_stream_is_closed(server: Server) -> None:
    entries, version = server.entries(), server.version()
    with raw_retrain(server, "Accept: application/x-ndjson") as connection:
        assert b'"event": "progress"' in read_until(connection, b"epoch 1 of 50")
        assert server.is_training()
    until(lambda: not server.is_training())
    assert server.entries() == entries
    assert server.post("predict", server.example()).json()["model"]["version"] == version
    assert server.post("retrain", {"params": {"epochs": 1}}).status_code == 200


def test_it_cancels_a_training_if_the_waiting_client_disconnects(server: Server) -> None:
    entries = server.entries()
    with raw_retrain(server):
        until(server.is_training)
    until(lambda: not server.is_training())
    assert server.entries() == entries


def test_it_keeps_reporting_progress_during_a_long_epoch(server: Server) -> None:
    with raw_retrain(server, "Accept: application/x-ndjson") as connection:
        read_until(connection, b"started")
        connection.settimeout(10)  # without it the next line would come after minutes
        for _ in range(3):
            read_until(connection, b"\n")


def test_it_trains_one_at_a_time(server: Server) -> None:
    until(lambda: not server.is_training())
    with raw_retrain(server, "Idempotency-Key: first", "Accept: application/x-ndjson") as connection:
        read_until(connection, b"started")
        for headers in ({}, STREAMED, {"Idempotency-Key": "first"}):
            answer = server.post("retrain", {}, headers=headers)
            assert (answer.status_code, answer.json()) == (
                409,
                {"error": "a training is already running: try again when it has ended"},
            )
    until(lambda: not server.is_training())


@pytest.mark.parametrize("position", [0, 1], ids=["biopsies", "digits"])
def test_it_drops_no_request_during_a_promotion(server: Server, position: int) -> None:
    example, enough = server.example(position), Event()

    def predict() -> list[tuple[int, str]]:
        answers = []
        with requests.Session() as session:
            while not enough.is_set():
                answer = session.post(server.url("predict"), json=example, timeout=SECONDS)
                answers.append((answer.status_code, answer.json()["model"]["version"]))
        return answers

    old, params = server.version(position), {"min_seconds": 0.5, "seed": 3, "promote": "always"}
    with ThreadPoolExecutor() as pool:
        callers = [pool.submit(predict) for _ in range(4)]
        try:
            body = {"model": example["model"], "params": params}
            new = server.post("retrain", body).json()["model"]["version"]
            before = server.get("status")["requests"]
            until(lambda: server.get("status")["requests"] > before + 100)
        finally:
            enough.set()
        seen = [caller.result() for caller in callers]
    assert {answer for answers in seen for answer in answers} == {(200, old), (200, new)}
    for answers in seen:
        assert answers == sorted(answers, key=lambda answer: answer[1] == new)


def test_it_streams_the_result_last(server: Server) -> None:
    answer = server.post("retrain", {"params": {"epochs": 2, "promote": "always"}}, headers=STREAMED)
    *progress, result = [json.loads(line) for line in answer.text.splitlines()]
    assert [event["event"] for event in progress] == ["progress"] * len(progress)
    assert result["event"] == "result"
    assert result["model"]["version"] == server.version()


def test_it_answers_broken_http_in_json(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        connection.sendall(b"POST /api/v1/predict HTTP/1.1\r\nContent-Length: many\r\n\r\n")
        answer = read_until(connection, b"}")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/json" in answer


@pytest.mark.parametrize(
    ("megabytes", "error"),
    [(11, "the body is too large: send at most 10485760 bytes"), (41, "request entity too large")],
)
def test_it_rejects_a_body_over_the_limit(server: Server, megabytes: int, error: str) -> None:
    answer = server.post("predict", data=b" " * (megabytes * 1024 * 1024))
    assert answer.status_code == 413
    assert answer.json() == {"error": error}


def test_it_survives_deep_nesting(server: Server) -> None:
    body = json.dumps(server.example())[:-1] + ', "deep": ' + "[" * 511 + "]" * 511 + "}"
    assert server.post("predict", data=body).status_code == 200
    assert server.post("predict", data="[" * 100_000).status_code == 400


def test_it_answers_soon_after_callers_of_bodies_with_many_keys_left(server: Server) -> None:
    example = server.example()
    keys = ",".join(f'"k{number:06}":{number % 10}' for number in range(850_000))
    body = f"{json.dumps(example)[:-1]},{keys}}}".encode()
    assert 9 * 2**20 < len(body) <= 10 * 2**20
    head = f"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for _ in range(16):
        with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
            connection.sendall(head + body)
    started_at = time.monotonic()
    assert server.post("predict", example).status_code == 200
    assert time.monotonic() - started_at < 10  # callers who left once kept it busy for 80 s


def test_it_logs_the_request_id_but_no_patient_data(server: Server) -> None:
    server.post(
        "predict?patient=Lee-of-the-query", {"patient_name": "Park-of-the-body"}, headers={"X-Request-ID": "request-77"}
    )
    until(lambda: "request_id=request-77" in server.printed())
    (line,) = [line for line in server.printed().splitlines() if "request-77" in line]
    assert "POST /api/v1/predict 422 " in line
    assert "Lee-of-the-query" not in server.printed()
    assert "Park-of-the-body" not in server.printed()


def test_promotions_and_keys_survive_a_kill(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "a-key"}
    with serving(tmp_path) as server:
        first = server.post("retrain", {"params": {"seed": 5}}, headers=key).json()
        with raw_retrain(server):
            until(server.is_training)
            assert server.children() == []
            server.process.kill()
            assert server.status() == -signal.SIGKILL
    with serving(tmp_path) as server:
        assert server.version() == first["model"]["version"] == "2"
        assert server.post("retrain", {"params": {"seed": 5}}, headers=key).json() == first
        replay = server.post("retrain", {"params": {"seed": 5}}, headers=key | STREAMED)
        assert json.loads(replay.text) == {"event": "result", **first}
        assert server.post("retrain", {}, headers=key).status_code == 422
        assert server.entries() == ["1", "2", "current"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_during_a_training(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as server, raw_retrain(server, "Accept: application/x-ndjson") as connection:
        read_until(connection, b"started")
        assert server.children() == []
        server.process.send_signal(number)
        assert b'"status": 503' in read_until(connection, b'"event": "error"')
        assert server.status() == 0
        assert server.entries() == ["1", "current"]


def test_it_gives_the_reason_in_one_line_if_it_can_not_start(tmp_path: Path) -> None:
    with started(tmp_path, 0) as server:
        assert server.status() == 1
        assert server.printed() == "ML_SERVER_PORT can't be '0': set it to a whole number from 1 to 65535\n"


def test_it_exits_if_its_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        with started(tmp_path, port) as server:
            assert server.status() == 1
            (line,) = server.printed().splitlines()
    assert line.startswith(f"can't listen on ML_SERVER_PORT {port} of BIND_HOST 127.0.0.1 (Address already in use")


def test_it_exits_if_its_state_folder_can_not_store_models(tmp_path: Path) -> None:
    (tmp_path / "models").touch()
    with started(tmp_path, free_port()) as server:
        assert server.status() == 1
        assert server.printed().startswith("VAR_DIR can't store the models: set it to ")
        assert len(server.printed().splitlines()) == 1
