"""Any misbehaviour of a model server ends in the documented error and does not affect the next request."""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.support.gateway import Journaled, assert_problem, predict, resets, sends, sends_and_stays_open
from tests.support.model import PREDICTION, Conversation, Script, ScriptedModel
from tests.support.network import free_port

pytestmark = pytest.mark.usefixtures("transport")

Ask = Callable[[], Any]

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
KIB = 1024


@pytest.fixture
def asks(gateway: Client) -> list[Ask]:
    """Requests for a prediction and for the pass-through paths."""
    return [lambda: predict(gateway), lambda: gateway.get("/ml/v1/status/")]


def held_to_the_contract(
    asks: list[Ask], model: ScriptedModel, journaled: Journaled, script: Script, kind: str
) -> list[str]:
    """Sends each request to a misbehaving model, then to a normal one; returns the problems' details."""
    details = []
    for ask in asks:
        model.script, before, kept = script, len(model.requests), len(journaled())
        details.append(str(assert_problem(ask(), 502, f"upstream-{kind}")["detail"]))
        assert len(model.requests) - before <= 1  # nothing is sent twice
        assert len(journaled()) == kept
        model.script = Conversation.answer
        assert ask().content == PREDICTION
    return details


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (resets, "unreachable"),
        (sends(), "unreachable"),
        (sends(b"\x00\xff\x13garbage\r\n\r\n"), "broken"),
        (sends(b"SSH-2.0-OpenSSH_9.6\r\n"), "broken"),
        (sends(b"HTTP/2.0 200 OK\r\n\r\n"), "broken"),
        (sends(b"HTTP/1.1 20 OK\r\n\r\n"), "broken"),
        (sends(b"HTTP/1.1 2000 OK\r\n\r\n"), "broken"),
        (sends(b"HTTP/1.1 two OK\r\n\r\n"), "broken"),
        (sends(b"HTTP/1.1 200 " + b"O" * 70_000), "broken"),
        (sends(OK, b"X-A: a\x7fb\r\nContent-Length: 2\r\n\r\n{}"), "broken"),
        (sends(OK, b"X-A: " + b"a" * 70_000 + b"\r\n\r\n"), "broken"),
        (sends(OK, b"X-A: 1\r\n" * 10_000, b"Content-Length: 2\r\n\r\n{}"), "broken"),
        (sends(OK, b"X-A: a\x00b\r\nContent-Length: 2\r\n\r\n{}"), "broken"),
        (sends(b"HTTP/1.1 200 O\x00K\r\nContent-Length: 2\r\n\r\n{}"), "broken"),
        (sends(OK, b"Content-Length: 9\r\n\r\n{}"), "broken"),
        (sends(OK, b"Content-Length: two\r\n\r\n{}"), "broken"),
        (sends(OK, b"Content-Length: -2\r\n\r\n{}"), "broken"),
        (sends(OK, b"Content-Length: 0_2\r\n\r\n{}"), "broken"),
        (sends(OK, b"Content-Length: \r\n\r\n{}"), "broken"),
        (sends(OK, b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}"), "broken"),
        (sends(OK, b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "), "broken"),
        (sends(CHUNKED, b"2\r\n{}\r\n"), "broken"),
        (sends(CHUNKED, b"9\r\n{}"), "broken"),
        (sends(CHUNKED, b"two\r\n{}\r\n0\r\n\r\n"), "broken"),
        (sends(CHUNKED, b"-1\r\n{}\r\n0\r\n\r\n"), "broken"),
        (sends(CHUNKED, b"-7\r\n{}\r\n0\r\n\r\n"), "broken"),
        (sends(CHUNKED, b"0" * 70_000), "broken"),
        (sends(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), "broken"),
        (sends(b"HTTP/1.1 100 Continue\r\n\r\n" * 3), "unreachable"),
    ],
)
def test_it_answers_502(asks: list[Ask], model: ScriptedModel, journaled: Journaled, script: Script, kind: str) -> None:
    held_to_the_contract(asks, model, journaled, script, kind)


@pytest.mark.parametrize("transport", ["llhttp"], indirect=True)
@pytest.mark.parametrize(
    "script",
    [
        sends(OK, b"X-A: 1\r\n folded: 2\r\nContent-Length: 2\r\n\r\n{}"),
        sends(OK, b"X \xff: 1\r\nContent-Length: 9\r\n\r\n{}"),
        sends(OK, b"no colon\r\nContent-Length: 9\r\n\r\n{}"),
        sends(OK, b" folded: 1\r\nContent-Length: 2\r\n\r\n{}"),
        sends(OK, b": nameless\r\nContent-Length: 2\r\n\r\n{}"),
        sends(OK, b"X(1): 1\r\nContent-Length: 2\r\n\r\n{}"),
        sends(OK, b"X-A: a\rb\r\nContent-Length: 2\r\n\r\n{}"),
        sends(OK, b"X A: 1\r\nContent-Length: 2\r\n\r\n{}"),
        sends(CHUNKED[:-2], b"Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        sends(OK, b"Transfer-Encoding: identity\r\n\r\n{}"),
        sends(OK, b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        sends(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"),
    ],
)
def test_it_answers_502_to_what_a_lenient_parser_accepts(
    asks: list[Ask], model: ScriptedModel, journaled: Journaled, script: Script
) -> None:
    held_to_the_contract(asks, model, journaled, script, "broken")


def test_it_answers_502_if_nobody_listens(
    asks: list[Ask], model: ScriptedModel, journaled: Journaled, settings: Settings
) -> None:
    for ask in asks:
        settings.ML_SERVER_URL = f"http://127.0.0.1:{free_port()}"
        assert_problem(ask(), 502, "upstream-unreachable")
        settings.ML_SERVER_URL = "http://no-such-host.invalid"
        assert_problem(ask(), 502, "upstream-unreachable")
        settings.ML_SERVER_URL = model.url
        assert ask().content == PREDICTION
    assert len(journaled()) == 1  # the prediction that was answered


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308, 399])
def test_it_follows_no_redirect(asks: list[Ask], model: ScriptedModel, journaled: Journaled, status: int) -> None:
    head = f"Location: {model.url}/api/v1/elsewhere\r\n".encode()

    def script(conversation: Conversation) -> None:
        conversation.answer(status=f"{status} Elsewhere", head=head)

    details = held_to_the_contract(asks, model, journaled, script, "redirected")
    assert all(str(status) in detail for detail in details)
    assert not [request.line for request in model.requests if "elsewhere" in request.line]


def declares_much(conversation: Conversation) -> None:
    conversation.send(OK + b"Content-Length: 99999999999\r\n\r\n")
    endless(conversation, b" " * 64 * KIB)


def many_chunks(conversation: Conversation) -> None:
    conversation.send(CHUNKED)
    endless(conversation, b"10000\r\n" + b" " * 64 * KIB + b"\r\n")


def one_chunk_without_end(conversation: Conversation) -> None:
    conversation.send(CHUNKED + b"ffffffffff\r\n")
    endless(conversation, b" " * 64 * KIB)


def close_delimited(conversation: Conversation) -> None:
    conversation.send(OK + b"\r\n")
    endless(conversation, b" " * 64 * KIB)


def interim_without_end(conversation: Conversation) -> None:
    endless(conversation, b"HTTP/1.1 100 Continue\r\nX-Filler: " + b"a" * 60 * KIB + b"\r\n\r\n")


def endless(conversation: Conversation, piece: bytes) -> None:
    with suppress(OSError):
        while True:
            conversation.send(piece)


@pytest.mark.parametrize(
    "script", [declares_much, many_chunks, one_chunk_without_end, close_delimited, interim_without_end]
)
def test_it_keeps_no_more_than_the_limit_in_memory(
    asks: list[Ask], model: ScriptedModel, journaled: Journaled, settings: Settings, script: Script
) -> None:
    settings.MAX_ANSWER_BYTES = 256 * KIB
    tracemalloc.start()
    try:
        held_to_the_contract(asks, model, journaled, script, "too-large")
        assert tracemalloc.get_traced_memory()[1] < 8 * KIB * KIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("framed", [OK + b"Content-Length: 1000\r\n\r\n%s", CHUNKED + b"3e8\r\n%s\r\n0\r\n\r\n"])
def test_it_accepts_an_answer_of_exactly_the_limit(
    asks: list[Ask], model: ScriptedModel, settings: Settings, framed: bytes
) -> None:
    whole = b'"' + b"a" * 998 + b'"'
    model.script = sends_and_stays_open(framed % whole)
    for ask in asks:
        settings.MAX_ANSWER_BYTES = 1000
        assert ask().content == whole
        settings.MAX_ANSWER_BYTES = 999
        assert_problem(ask(), 502, "upstream-too-large")


def test_it_accepts_an_answer_in_chunks_of_one_byte(gateway: Client, model: ScriptedModel, settings: Settings) -> None:
    settings.MAX_ANSWER_BYTES = 300_000  # far more than a mebibyte on the wire
    whole = b'"' + b"a" * 299_998 + b'"'
    model.script = sends_and_stays_open(CHUNKED, *(b"1\r\n%c\r\n" % byte for byte in whole), b"0\r\n\r\n")
    assert predict(gateway).content == whole


@pytest.mark.parametrize("line", [b"204 No Content", b"304 Not Modified"])
def test_it_ignores_a_content_length_if_there_is_no_body(gateway: Client, model: ScriptedModel, line: bytes) -> None:
    model.script = sends_and_stays_open(b"HTTP/1.1 ", line, b"\r\nContent-Length: 99999999999\r\n\r\n")
    response = gateway.get("/ml/v1/status/")
    assert (response.status_code, response.content) == (int(line[:3]), b"")


NOISE = [b"HTTP/1.1 ", b"HTTP/1.0 ", b"200", b"404", b"100", b" ", b"OK", b"\r\n", b"\n", b"\r", b":", b"\x00", b"\xff"]
NOISE += [
    b"Content-Length: ",
    b"5",
    b"-1",
    b"Transfer-Encoding: chunked",
    b"0\r\n\r\n",
    b"ffffffff\r\n",
    b"hello",
    b"{}",
]
NOISE += [
    b"Set-Cookie: ",
    b"a=b; expires=never",
    b"Content-Type: multipart/mixed; boundary=x",
    b"From x",
    b"\t",
    b"\x85",
]


def test_it_answers_with_the_models_status_or_502_for_any_bytes(gateway: Client, model: ScriptedModel) -> None:
    pieces = st.lists(st.sampled_from(NOISE)).map(b"".join)

    @given(st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 404 X\r\nA: b\r\n"]), st.binary() | pieces)
    def check(start: bytes, rest: bytes) -> None:
        model.script = sends(start, rest)
        for response in (gateway.get("/ml/v1/status/"), predict(gateway)):
            assert response.status_code in {200, 404, 502}

    check()
