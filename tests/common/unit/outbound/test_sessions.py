"""Sessions work as `requests` sessions, with our restrictions, over both transports."""

import gc
import gzip
import json
import os
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import requests
from pytest_django import Settings

from common.outbound import bodies, sessions
from common.outbound.deadline import Switch, budget
from common.outbound.exceptions import BadResponse, ResponseTooLarge
from common.outbound.sessions import OutboundSession
from tests.support.gateway import resets, sends, sends_and_stays_open
from tests.support.model import PREDICTION, Conversation, ScriptedModel
from tests.support.network import free_port
from tests.support.training_stream import is_closed_by_caller
from tests.support.wait import until

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(params=["llhttp", "requests"])
def session(request: pytest.FixtureRequest, settings: Settings) -> Iterator[OutboundSession]:
    settings.OUTBOUND_TRANSPORT = request.param
    yield sessions.model_server()
    sessions.begin_anew()


def test_it_is_one_for_each_kind_of_destination(session: OutboundSession) -> None:
    assert sessions.model_server() is session
    assert sessions.mlflow() is sessions.mlflow() is not session


def test_it_works_as_a_session_of_requests(session: OutboundSession, model: ScriptedModel) -> None:
    response = session.post(f"{model.url}/api?q=1", json={"a": 1}, params={"b": "é"}, headers={"X-A": "1"})
    assert (response.status_code, response.ok, response.reason) == (200, True, "OK")
    assert response.json() == json.loads(PREDICTION)
    assert (response.text, response.content) == (PREDICTION.decode(), PREDICTION)
    assert response.headers["content-type"] == "application/json"
    [request] = model.requests
    assert request.line == "POST /api?q=1&b=%C3%A9 HTTP/1.1"
    assert (json.loads(request.body), request.fields["x-a"]) == ({"a": 1}, "1")


def test_it_reads_no_body_after_head(session: OutboundSession, model: ScriptedModel) -> None:
    model.script = sends_and_stays_open(OK + b"Content-Length: 100\r\n\r\n")
    response = session.head(model.url)
    assert (response.content, response.headers["Content-Length"]) == (b"", "100")


def test_a_failed_request_is_freed_without_garbage_collection(settings: Settings, model: ScriptedModel) -> None:
    """For the strict transport only; urllib3 creates reference cycles of its own."""
    settings.OUTBOUND_TRANSPORT, model.script = "llhttp", resets
    gc.disable()
    try:
        request = sessions.model_server().prepared("POST", model.url, {}, b"{}")
        found = weakref.ref(request)
        with suppress(requests.RequestException):
            sessions.model_server().send(request)
        del request
        assert found() is None
    finally:
        gc.enable()


def test_it_sends_only_our_fields_and_the_callers(session: OutboundSession, model: ScriptedModel) -> None:
    session.send(session.prepared("GET", model.url, {"X-A": "1"}))
    stock = {"accept-encoding"} & set(model.requests[0].fields)  # http.client adds it if a request has none
    assert set(model.requests[0].fields) - stock == {"host", "user-agent", "x-a"}


def test_it_follows_no_redirect(session: OutboundSession, model: ScriptedModel) -> None:
    head = f"Location: {model.url}/elsewhere\r\n".encode()
    model.script = lambda conversation: conversation.answer(b"", status="302 Found", head=head)
    assert session.get(model.url, allow_redirects=True).status_code == 302
    assert len(model.requests) == 1


def test_it_keeps_no_cookies(session: OutboundSession, model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(head=b"Set-Cookie: a=1; Path=/\r\n")
    for _ in range(2):
        session.get(model.url)
    assert "cookie" not in model.requests[1].fields
    assert not session.cookies


def test_it_decodes_content_codings_on_request(session: OutboundSession, model: ScriptedModel) -> None:
    packed = gzip.compress(PREDICTION)
    model.script = lambda conversation: conversation.answer(packed, head=b"Content-Encoding: gzip\r\n")
    assert session.get(model.url).json() == json.loads(PREDICTION)
    with session.get(model.url, stream=True) as response:
        assert bodies.read_body(response, 10_000) == packed


def test_repeated_fields_stay_separate(session: OutboundSession, model: ScriptedModel) -> None:
    head = b"Set-Cookie: a=1\r\nX-A: \xed\x95\x9c\r\nSet-Cookie: b=2\r\nx-a: \xe9\r\n"
    model.script = lambda conversation: conversation.answer(b"{}", head=head)
    fields = bodies.header_fields(session.get(model.url))
    assert [value for name, value in fields if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert [value.encode("latin-1") for name, value in fields if name.lower() == "x-a"] == [b"\xed\x95\x9c", b"\xe9"]


def test_it_yields_lines(session: OutboundSession, model: ScriptedModel) -> None:
    model.script = sends_and_stays_open(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\na\nbc\r\n3\r\n\nde\r\n0\r\n\r\n")
    with session.get(model.url, stream=True) as response:
        assert list(response.iter_lines()) == [b"a", b"bc", b"de"]
    granted = budget(20)
    with session.get(model.url, stream=True, timeout=granted) as response:  # type: ignore[arg-type]
        assert list(bodies.read_lines(response, 2, granted)) == [b"a", b"bc", b"de"]
    with session.get(model.url, stream=True) as response, pytest.raises(ResponseTooLarge):
        list(bodies.read_lines(response, 1, budget(20)))


def test_the_cap_applies_to_each_line(session: OutboundSession, model: ScriptedModel) -> None:
    taken = threading.Semaphore(0)

    def script(conversation: Conversation) -> None:
        conversation.send(OK + b"\r\n")
        for _ in range(50):
            conversation.send(b"x" * 99 + b"\n")
            taken.acquire(timeout=20)
        conversation.sock.close()

    model.script = script
    granted, count = budget(20, most_bytes=1000), 0
    with session.get(model.url, stream=True, timeout=granted) as response:  # type: ignore[arg-type]
        for line in bodies.read_lines(response, 100, granted):
            assert line in {b"x" * 99, b""}
            taken.release()
            count += 1
    assert count == 51


@pytest.mark.parametrize("timeout", [0.2, (5, 0.2)])
def test_a_plain_timeout_covers_the_whole_exchange(
    session: OutboundSession, model: ScriptedModel, timeout: Any
) -> None:
    def drip(conversation: Conversation) -> None:
        conversation.send(OK + b"Content-Length: 1000\r\n\r\n")
        while not model.gone.wait(0.02):
            conversation.send(b" ")

    model.script = drip
    with pytest.raises(requests.exceptions.RequestException):
        session.get(model.url, timeout=timeout)
    with session.get(model.url, timeout=timeout, stream=True) as response, pytest.raises(requests.ReadTimeout):
        bodies.read_body(response, 10_000)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (sends(), requests.ConnectionError),
        (resets, requests.ConnectionError),
        (sends(b"what?\r\n\r\n"), BadResponse),
    ],
)
def test_it_raises_exceptions_of_requests(
    session: OutboundSession, model: ScriptedModel, script: Any, kind: type[Exception]
) -> None:
    model.script = script
    with pytest.raises(kind):
        session.get(model.url)
    with pytest.raises(requests.ConnectionError):
        session.get(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"X-A": "1\r\nX-B: 2"}, "/"),
        ({"X-A": "1\n2"}, "/"),
        ({"X\r": "1"}, "/"),
        ({"X-A": "\u4e00"}, "/"),
        ({}, "/a\r\nX-B: 2"),
    ],
)
def test_it_refuses_fields_that_would_break_the_head(
    session: OutboundSession, model: ScriptedModel, fields: dict[str, str], url: str
) -> None:
    request = session.prepared("POST", model.url + url, fields, b"{}")
    try:
        session.send(request)
    except requests.RequestException:
        assert model.requests == []
    else:  # urllib3 escapes a target
        assert "x-b" not in model.requests[0].fields


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "127.0.0.1/", "http:///", "http://127.0.0.1:99999/", "http://[::1"]
)
def test_it_refuses_an_invalid_url(session: OutboundSession, url: str) -> None:
    with pytest.raises(requests.RequestException):
        session.send(session.prepared("GET", url, {}))


@pytest.mark.parametrize("option", [{"verify": False}, {"verify": "ca.pem"}, {"cert": "cert.pem"}])
def test_it_refuses_a_weaker_certificate_check(
    session: OutboundSession, model: ScriptedModel, option: dict[str, Any]
) -> None:
    with pytest.raises(NotImplementedError):
        session.get(model.url, **option)


def test_many_threads_share_it(session: OutboundSession, model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(conversation.body)
    bodies_sent = [str(number).encode() * 100 for number in range(100)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda body: session.post(model.url, data=body).content, bodies_sent))
    assert found == bodies_sent
    assert len({conversation.sock for conversation in model.requests}) <= 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_has_connections_of_its_own(session: OutboundSession, model: ScriptedModel) -> None:
    session.get(model.url)
    child = os.fork()
    if child == 0:
        is_well = sessions.model_server() is not session and sessions.model_server().get(model.url).ok
        os._exit(0 if is_well else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert session.get(model.url).ok
    first, of_child, second = model.requests
    assert first.sock is second.sock is not of_child.sock


def test_another_thread_can_cancel_it(session: OutboundSession, model: ScriptedModel) -> None:
    switch, hung_up = Switch(), []
    model.script = lambda conversation: hung_up.append(is_closed_by_caller(conversation))
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(session.get, model.url, timeout=budget(600, switch=switch))  # type: ignore[arg-type]
        until(lambda: model.requests)
        switch.cut()
        with pytest.raises(requests.RequestException):
            asked.result(timeout=60)
    until(lambda: hung_up == [True])
