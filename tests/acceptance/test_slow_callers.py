"""Slow and hostile callers: the gateway serves everybody else meanwhile, and memory stays bounded."""

import json
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from tests.acceptance.helpers.slow_callers import JSON_HEAD, RawCaller, callers
from tests.support.gateway import BODY, PREFIX
from tests.support.model import Conversation, ScriptedModel
from tests.support.system import System
from tests.support.wait import until

pytestmark = pytest.mark.any_database

PROBE_SECONDS = 3.0  # a third of that is promised; this machine may be busy
BODY_SECONDS = 2.0
APP = "https://app.example"  # a page that may call
LIMITS = {
    "GATEWAY_THREADS": "4",
    "HEADER_SECONDS": "3",
    "BODY_SECONDS": str(BODY_SECONDS),
    "READER_SECONDS": "2",
    "QUEUE_SECONDS": "1",
    "CORS_ALLOWED_ORIGINS": APP,
}
DATABASE_CONNECTIONS = 4 + 2 + 1 + 4 + 3  # of the pools for GATEWAY_THREADS, and of the probes
RAW = json.dumps(BODY).encode()
PREDICT = "POST /ml/v1/predict/"
MIB = 2**20
MEDIA = ["application/json", "multipart/form-data; boundary=b"]
FORM_FILE = b'--b\r\nContent-Disposition: form-data; name="scan"; filename="s.png"\r\n\r\n'  # its bytes follow
KEYS = 850_000
ROWS = 40  # of a MiB each
MAKE_ROWS = (
    "from tests.support.inference_rows import insert_row\n"
    f"for number in range({ROWS}): insert_row(input_data='\"' + 'x' * 2**20 + '\"', request_id=str(number))"
)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedModel]:
    made = ScriptedModel()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared(
    make_shared_system: Callable[..., System], server: ScriptedModel, tmp_path_factory: pytest.TempPathFactory
) -> System:
    temporary = str(tmp_path_factory.mktemp("temporary"))
    made = make_shared_system(ml_server_url=server.url, TMPDIR=temporary, **LIMITS)
    made.manage("shell", "-v0", "-c", MAKE_ROWS)
    made.start("web")
    return made


@pytest.fixture
def system(shared: System, server: ScriptedModel) -> Iterator[System]:
    """The gateway; after the test it has no request in progress."""
    server.script = Conversation.answer
    server.requests.clear()
    yield shared
    server.script = Conversation.answer


@pytest.fixture
def port(system: System) -> int:
    return int(system.environment["GATEWAY_PORT"])


def head_of(media: str) -> str:
    return f"Host: 127.0.0.1\r\nContent-Type: {media}\r\n"


def temporary_files(system: System) -> list[str]:
    """What the gateway left in its temporary folder."""
    return sorted(str(path) for path in Path(system.environment["TMPDIR"]).rglob("*"))


def worker(system: System) -> psutil.Process:
    return max(system.family("web"), key=lambda process: process.memory_info().rss)


def memory(system: System) -> int:
    """The worker's memory in MiB."""
    return int(worker(system).memory_info().rss) // MIB


def assert_serves_others(system: System) -> None:
    """Probes, a prediction and a page of history, each within `PROBE_SECONDS`."""
    for path in ("/healthz", "/readyz", "/metrics", "/ml/v1/history/?limit=1"):
        response = requests.get(f"{system.url}{path}", timeout=PROBE_SECONDS)
        assert response.status_code in {200, 503} if path == "/readyz" else response.ok, path
    started = time.monotonic()
    assert system.predict(BODY).status_code == 200
    assert time.monotonic() - started < PROBE_SECONDS


@pytest.mark.parametrize("line", [PREDICT, "POST /admin/login/", "GET /ml/v1/status/"])
def test_half_sent_bodies_are_cut_off(line: str, system: System, port: int) -> None:
    with callers(port, 40) as slow:
        for each in slow:
            each.begin(line, length=500, sent=b"{")
        assert_serves_others(system)
        started = time.monotonic()
        answers = [each.answer() for each in slow]
        assert time.monotonic() - started < BODY_SECONDS + 10
    assert {(status, problem["type"]) for status, problem in answers} == {(408, f"{PREFIX}body-too-slow")}


def test_a_refusal_is_logged_counted_and_has_a_request_id(system: System, port: int) -> None:
    with callers(port, 1) as (slow,):
        fields = f"Host: 127.0.0.1\r\nX-Request-ID: slow-1\r\nOrigin: {APP}\r\n"
        slow.begin(PREDICT, length=500, fields=fields)
        status, problem = slow.answer()
    assert (status, problem["request_id"]) == (408, "slow-1")
    assert any("slow-1" in line and " 408 " in line for line in system.log_of("web").splitlines())
    counted = requests.get(f"{system.url}/metrics", timeout=10).text
    assert 'ml_proxy_requests_total{method="POST",status="408",view="predict"}' in counted


def test_dripping_bodies_are_cut_off(system: System, port: int) -> None:
    with callers(port, 10) as slow:
        for each in slow:
            each.begin(PREDICT, length=500)
        statuses: list[int] = []
        ends_at = time.monotonic() + 20
        while len(statuses) < len(slow) and time.monotonic() < ends_at:
            for each in slow:
                statuses += drip(each)
            time.sleep(0.2)
        assert_serves_others(system)
    assert set(statuses) == {408}


def drip(caller: RawCaller) -> list[int]:
    """Sends one byte; the status, if there is an answer."""
    if caller.sock.fileno() < 0:
        return []
    caller.sock.setblocking(False)
    try:
        if caller.sock.recv(1, socket.MSG_PEEK):
            caller.sock.settimeout(10)
            status = caller.answer()[0]
            caller.sock.close()
            return [status]
    except BlockingIOError:
        caller.sock.settimeout(10)
        caller.send(b"1")
    return []


def test_a_connection_that_waits_for_its_answer_is_not_cut_off(
    system: System, server: ScriptedModel, port: int
) -> None:
    """The calls that wait for the model, and a connection in use, have the same address as the late bodies."""
    release = threading.Event()

    def slowly(conversation: Conversation) -> None:
        release.wait(30)
        conversation.answer()

    server.script = slowly
    with callers(port, 30) as slow, requests.Session() as session, ThreadPoolExecutor(2) as threads:
        assert session.get(f"{system.url}/healthz", timeout=10).ok
        waiting = threads.submit(system.predict, BODY)
        until(lambda: len(server.requests) == 1)
        time.sleep(1.5)  # so that neither can be taken for the other
        for each in slow:
            each.begin(PREDICT, length=500, sent=b"{")
        assert {each.status_if_any() for each in slow} <= {
            408,
            None,
        }  # whichever ends first: the body's time, the server
        assert session.get(f"{system.url}/healthz", timeout=10).ok
        release.set()
        assert waiting.result().status_code == 200


def test_a_body_at_the_least_rate_is_not_late(system: System, server: ScriptedModel, port: int) -> None:
    body = RAW[:-1] + b', "scan": "' + b"0" * MIB + b'"}'
    with callers(port, 6) as (steady, *late):
        steady.begin(PREDICT, length=len(body))
        for each in late:
            each.begin(PREDICT, length=500, sent=b"{")
        pieces = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
        for piece in pieces:
            steady.send(piece)
            time.sleep(2 * BODY_SECONDS / len(pieces))
        assert steady.answer()[0] == 200
        assert [each.answer()[0] for each in late] == [408] * len(late)
    assert server.requests[-1].body == body


def test_idle_connections_keep_nobody_out(system: System, port: int) -> None:
    with callers(port, 1100) as idle:
        for each in idle[::2]:
            each.send(b"GET /healthz HTT")
        assert_serves_others(system)
        assert all(each.is_closed() for each in idle)


def test_500_slow_callers_hold_up_nobody(system: System, port: int) -> None:
    with callers(port, 500) as slow:
        for number, each in enumerate(slow):
            each.begin((PREDICT, "POST /admin/login/")[number % 2], length=500, sent=b"{")
        assert_serves_others(system)
        assert {each.answer()[0] for each in slow} == {408}
    assert_serves_others(system)


@pytest.mark.parametrize(
    ("line", "length"),
    [
        (PREDICT, 2**30),
        ("POST /ml/v1/status/", 400 * MIB),
        ("GET /ml/v1/status/", 400 * MIB),
        ("GET /ml/v1/model-info/", 70_000),
        ("POST /admin/login/", 300 * MIB),
        ("POST /nowhere/", 2 * MIB),
    ],
)
@pytest.mark.parametrize("media", MEDIA)
def test_a_declared_size_over_the_limit_is_refused_before_it_is_read(
    line: str, length: int, media: str, system: System, port: int
) -> None:
    with callers(port, 1) as (large,):
        large.begin(line, length=length, sent=FORM_FILE, fields=head_of(media))
        status, problem = large.answer()
    assert (status, problem["type"]) == (413, f"{PREFIX}body-too-large")
    assert temporary_files(system) == []


@pytest.mark.parametrize("line", [PREDICT, "POST /admin/login/"])
@pytest.mark.parametrize("media", MEDIA)
def test_an_endless_body_in_chunks_is_refused_at_the_limit(media: str, line: str, system: System, port: int) -> None:
    before = memory(system)
    first, chunk = f"{len(FORM_FILE):x}\r\n".encode() + FORM_FILE + b"\r\n", b"100000\r\n" + b"0" * MIB + b"\r\n"
    with callers(port, 1) as (large,):
        large.send(f"{line} HTTP/1.1\r\n{head_of(media)}Transfer-Encoding: chunked\r\n\r\n".encode() + first)
        with pytest.raises(ConnectionError):
            large.send_often(chunk, 1024)
    assert memory(system) - before < 50
    assert temporary_files(system) == []
    assert_serves_others(system)


def test_deep_json_is_refused_in_bounded_time(system: System, server: ScriptedModel) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with ThreadPoolExecutor(8) as threads:
        statuses = list(
            threads.map(lambda _: system.predict(RAW[:-1] + b', "deep": ' + deep + b"}").status_code, range(8))
        )
        assert_serves_others(system)
    assert set(statuses) == {400}
    assert sum(each.head.startswith(b"POST") for each in server.requests) == 1  # that of the others


def test_predictions_to_a_slow_model_leave_the_rest_alone(system: System, server: ScriptedModel, port: int) -> None:
    release = threading.Event()

    def slowly(conversation: Conversation) -> None:
        release.wait(30)
        conversation.answer()

    server.script = slowly
    with callers(port, 33) as impatient:
        for each in impatient:
            each.begin(PREDICT, length=len(RAW), sent=RAW)
        until(lambda: len(server.requests) == int(LIMITS["GATEWAY_THREADS"]))
        for each in impatient[::2]:
            each.sock.close()  # they give up
        for path in ("/healthz", "/readyz", "/metrics", "/ml/v1/history/?limit=1", "/admin/login/"):
            assert requests.get(f"{system.url}{path}", timeout=PROBE_SECONDS).status_code in {200, 503}, path
        refused = system.predict(BODY)
        assert (refused.status_code, refused.json()["type"]) == (503, f"{PREFIX}busy")
        assert int(refused.headers["Retry-After"]) > 0
        release.set()
        outcomes = Counter(each.answer()[0] for each in impatient[1::2])
        assert set(outcomes) <= {200, 503}
    assert len(server.requests) < len(impatient) / 2  # who waited too long was not sent on
    server.script = Conversation.answer
    until(lambda: system.predict(BODY).status_code == 200)


def test_large_bodies_with_many_keys_take_bounded_memory(system: System, server: ScriptedModel, port: int) -> None:
    keys = ",".join(f'"k{number:06}":{number % 10}' for number in range(KEYS))
    body = RAW[:-1] + b"," + keys.encode() + b"}"
    assert 9 * MIB < len(body) <= 10 * MIB
    highest = 0
    with callers(port, 16) as large, ThreadPoolExecutor(16) as threads:
        answers = [threads.submit(send_all, each, body) for each in large]
        while not all(each.done() for each in answers):
            assert requests.get(f"{system.url}/healthz", timeout=PROBE_SECONDS).ok
            highest = max(highest, memory(system))
        statuses = Counter(each.result() for each in answers)
    assert set(statuses) <= {200, 503}
    assert statuses[200] > 0
    assert highest < 1000
    assert_serves_others(system)


def send_all(caller: RawCaller, body: bytes) -> int:
    caller.begin(PREDICT, length=len(body))
    caller.send(body)
    return caller.answer()[0]


@pytest.mark.database  # a stop also closes the connections to it
def test_a_stop_does_not_wait_for_late_bodies(make_system: Callable[..., System], model: ScriptedModel) -> None:
    system = make_system(ml_server_url=model.url, **LIMITS)
    system.start("web")
    process = system.processes["web"]
    with callers(int(system.environment["GATEWAY_PORT"]), 5) as slow:
        for each in slow:
            each.begin(PREDICT, length=500, fields=f"{JSON_HEAD}Expect: 100-continue\r\n")
            assert each.sock.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it is being read
        system.kill("web", signal.SIGTERM)
        assert process.returncode == 0
        assert {each.status_if_any() for each in slow} <= {
            408,
            None,
        }  # whichever ends first: the body's time, the server


@pytest.mark.database  # each export has a connection of its own
def test_exports_that_nobody_reads_are_cut_off(system: System, port: int) -> None:
    with callers(port, 50, receive_bytes=4096) as readers:
        for each in readers:
            each.send(b"GET /ml/v1/history/export/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        first = [each.sock.recv(12, socket.MSG_WAITALL)[-3:] for each in readers]
        assert Counter(first) == {b"200": 4, b"429": 46}
        assert_serves_others(system)
        assert memory(system) < 600
        if "DATABASE_URL" in system.environment:
            [[connections]] = system.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            assert connections <= DATABASE_CONNECTIONS
        until(lambda: requests.head(f"{system.url}/ml/v1/history/export/", timeout=10).status_code == 200)
        until(lambda: can_export(system), what="the end of the exports that nobody reads")
    with requests.get(f"{system.url}/ml/v1/history/export/", timeout=60) as response:
        assert len([line for line in response.content.splitlines() if b'"request_id"' in line]) >= ROWS


def can_export(system: System) -> bool:
    with requests.get(f"{system.url}/ml/v1/history/export/", stream=True, timeout=10) as response:
        return response.status_code == 200
