"""One deadline covers the whole exchange with the model, and no caller gets a late answer."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.gateway import BODY, Journaled, assert_problem, predict, sends_and_stays_open
from tests.support.model import PREDICTION, Conversation, Script, ScriptedModel

pytestmark = pytest.mark.usefixtures("transport")

Ask = Callable[[], Any]

TOTAL = 1.0  # seconds; on a busy machine a request may take a third of a second to reach the model
LATEST = 10  # seconds, far less than a read takes without a deadline
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(PREDICTION) + PREDICTION


@pytest.fixture(params=["predict", "status"])
def ask(request: pytest.FixtureRequest, gateway: Client, settings: Settings) -> Ask:
    settings.UPSTREAM_TOTAL_SECONDS = TOTAL
    if request.param == "predict":
        return lambda: predict(gateway)
    return lambda: gateway.get("/ml/v1/status/")


@contextmanager
def on_time() -> Iterator[None]:
    """Checks that a block ends at the deadline: not earlier, and not much later."""
    started = time.monotonic()
    yield
    assert TOTAL <= time.monotonic() - started < LATEST


def stalls(model: ScriptedModel, said: bytes) -> Script:
    """A script that sends this much, then nothing until the test ends."""

    def script(conversation: Conversation) -> None:
        conversation.send(said)
        model.gone.wait()

    return script


def drips(model: ScriptedModel, at_once: bytes, drop_by_drop: bytes) -> Script:
    """A script that sends the second part byte by byte, each well within the timeout of a single read."""

    def script(conversation: Conversation) -> None:
        conversation.send(at_once)
        for byte in drop_by_drop:
            if model.gone.wait(TOTAL / 10):
                return
            conversation.send(bytes([byte]))

    return script


SAID = [b"", HEAD, INTERIM, WHOLE[:-1], HEAD + b"\r\n{", CHUNKED + b"2\r\n{}\r\n0\r\n"]


@pytest.mark.parametrize("said", SAID)
def test_it_answers_504_to_a_silent_model(
    ask: Ask, model: ScriptedModel, journaled: Journaled, settings: Settings, said: bytes
) -> None:
    model.script = stalls(model, said)
    with on_time():
        assert_problem(ask(), 504, "upstream-timeout")
    assert (len(model.requests), journaled()) == (1, [])
    model.script, settings.UPSTREAM_TOTAL_SECONDS = Conversation.answer, 20
    assert ask().content == PREDICTION


@pytest.mark.parametrize(
    ("at_once", "drop_by_drop"),
    [
        (b"", WHOLE),
        (HEAD + b"X-A: ", b"a" * 1000),
        (HEAD + b"Content-Length: 100\r\n\r\n", b" " * 100),
        (CHUNKED, b"5;" + b"a" * 100),
        (CHUNKED, b"1\r\n1\r\n" * 100),
        (b"", INTERIM * 100),
    ],
)
def test_it_answers_504_to_a_slow_answer(
    ask: Ask, model: ScriptedModel, journaled: Journaled, at_once: bytes, drop_by_drop: bytes
) -> None:
    model.script = drips(model, at_once, drop_by_drop)
    with on_time():
        assert_problem(ask(), 504, "upstream-timeout")
    assert journaled() == []


def test_it_accepts_a_slow_answer_that_arrives_in_time(
    gateway: Client, model: ScriptedModel, settings: Settings
) -> None:
    settings.UPSTREAM_TOTAL_SECONDS, settings.UPSTREAM_READ_SECONDS = 20, 10
    model.script = drips(model, HEAD + b"Content-Length: 5\r\n\r\n", b"[1,2]")
    assert predict(gateway).content == b"[1,2]"


def test_silence_has_a_shorter_deadline(gateway: Client, model: ScriptedModel, settings: Settings) -> None:
    settings.UPSTREAM_TOTAL_SECONDS, settings.UPSTREAM_READ_SECONDS = 30, TOTAL
    model.script = stalls(model, HEAD)
    with on_time():
        assert_problem(predict(gateway), 504, "upstream-timeout")


def test_it_answers_504_if_the_request_is_never_read(gateway: Client, settings: Settings, journaled: Journaled) -> None:
    settings.UPSTREAM_TOTAL_SECONDS = TOTAL
    with socket.create_server(("127.0.0.1", 0)) as deaf, on_time():
        settings.ML_SERVER_URL = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        assert_problem(predict(gateway, BODY | {"scan": "0" * 9_000_000}), 504, "upstream-timeout")
    assert journaled() == []


def test_it_answers_504_if_a_connection_is_never_accepted(gateway: Client, settings: Settings) -> None:
    settings.UPSTREAM_CONNECT_SECONDS = TOTAL
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        settings.ML_SERVER_URL = f"http://127.0.0.1:{full.getsockname()[1]}"
        callers = [socket.socket() for _ in range(3)]
        for caller in callers:
            caller.setblocking(False)
            with suppress(BlockingIOError):
                caller.connect(full.getsockname())
        with on_time():
            assert_problem(gateway.get("/ml/v1/status/"), 504, "upstream-timeout")
        for caller in callers:
            caller.close()


class Late:
    """A script that stalls past the deadline, then writes the rest of its answer to the same socket."""

    def __init__(self, said: bytes, rest: bytes) -> None:
        self.go_on = threading.Event()
        self.written = threading.Event()
        self._said, self._rest = said, rest

    def __call__(self, conversation: Conversation) -> None:
        conversation.send(self._said)
        self.go_on.wait(20)
        with suppress(OSError):  # the gateway has closed the connection, as it should
            conversation.send(self._rest)
        self.written.set()


STOLEN = b'{"stolen": 1}'
LATE = HEAD + b"Content-Length: %d\r\n\r\n" % len(STOLEN) + STOLEN


@pytest.mark.parametrize("said", [0, len(HEAD), len(LATE) - 1])
def test_no_caller_gets_a_late_answer(ask: Ask, model: ScriptedModel, settings: Settings, said: int) -> None:
    settings.UPSTREAM_TOTAL_SECONDS = 20
    ask()  # opens a connection that is pooled
    settings.UPSTREAM_TOTAL_SECONDS = TOTAL
    late = Late(LATE[:said], LATE[said:])
    model.script = late
    assert_problem(ask(), 504, "upstream-timeout")
    settings.UPSTREAM_TOTAL_SECONDS = 20

    def own(conversation: Conversation) -> None:
        late.go_on.set()  # the late answer is written while this one is pending
        late.written.wait(20)
        conversation.answer(b'{"own": 1}')

    model.script = own
    assert ask().content == b'{"own": 1}'
    assert model.requests[-1].sock is not model.requests[-2].sock
    model.script = Conversation.answer
    assert ask().content == PREDICTION


NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 13\r\n\r\n"


@pytest.mark.parametrize(
    "answered", [LATE * 2, LATE * 5000, CHUNKED + b"2\r\n{}\r\n0\r\n\r\n" + LATE, NOT_MODIFIED + STOLEN]
)
def test_no_caller_gets_bytes_that_follow_an_answer(
    ask: Ask, model: ScriptedModel, settings: Settings, answered: bytes
) -> None:
    settings.UPSTREAM_TOTAL_SECONDS = 20
    model.script = sends_and_stays_open(answered)
    assert ask().status_code in {200, 304}
    model.script = lambda conversation: conversation.answer(b'{"own": 1}')
    assert ask().content == b'{"own": 1}'


FOUND = b"HTTP/1.1 302 Found\r\nContent-Length: 13\r\n\r\n"


@pytest.mark.parametrize("refused", [FOUND, LATE.replace(b"13", b"-1")])
def test_no_caller_gets_the_rest_of_a_refused_answer(
    ask: Ask, model: ScriptedModel, settings: Settings, refused: bytes
) -> None:
    settings.UPSTREAM_TOTAL_SECONDS = 20
    model.script = sends_and_stays_open(refused, STOLEN, LATE)
    assert ask().status_code == 502
    model.script = Conversation.answer
    assert ask().content == PREDICTION
