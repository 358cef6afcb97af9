"""The load generator of the benchmarks: what it counts, and from when."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.model import Conversation, ScriptedModel
from tests.support.network import free_port
from tests.support.system import ROOT
from tests.support.wait import until
from tools.benchmarks import callers, load
from tools.benchmarks.callers import Target
from tools.benchmarks.load import Schedule
from tools.benchmarks.outcome import BROKEN, UNANSWERED, UNSENT
from tools.benchmarks.payload import ANSWER, ANSWER_BYTES, BODY, BODY_BYTES
from tools.benchmarks.raw_http import ConnectionBroken, Incomplete, check_complete, request, request_once, status_of

HEAD = b"HTTP/1.1 200 OK\r\n"


def target(model: ScriptedModel) -> Target:
    return Target(int(model.url.rpartition(":")[2]), request("/", BODY))


@contextmanager
def stalling(model: ScriptedModel, seconds: float) -> Iterator[None]:
    """The first answer, and all requests that arrive meanwhile, wait for `seconds`."""
    turn, first = threading.Lock(), threading.Event()

    def script(conversation: Conversation) -> None:
        with turn:
            if not first.is_set():
                first.set()
                model.gone.wait(seconds)
        conversation.answer()

    model.script = script
    yield


@pytest.fixture
def stub() -> Iterator[int]:
    """The port of a stub."""
    port = free_port()
    command = [sys.executable, "-m", "tools.benchmarks.stub"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "ML_SERVER_PORT": str(port)})
    until(lambda: request_once(port, request("/", BODY)), what="the stub")
    yield port
    process.kill()
    process.wait()


def test_the_payload_has_the_documented_size() -> None:
    assert (len(BODY), len(ANSWER)) == (BODY_BYTES, ANSWER_BYTES) == (670, 216)


@pytest.mark.parametrize(
    "message",
    [
        HEAD + b"Content-Length: 3\r\n\r\nabc",
        HEAD + b"content-length:3\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nX-Content-Length-Of: no\r\ncontent-length: 0\r\n\r\n",
    ],
)
def test_it_sees_where_a_message_ends(message: bytes) -> None:
    check_complete(message)
    for size in range(len(message)):
        with pytest.raises(Incomplete):
            check_complete(message[:size])


def test_it_reads_the_status() -> None:
    assert status_of(b"HTTP/1.1 503 Service Unavailable\r\n\r\n") == 503


def test_a_closed_loop_sends_again_as_soon_as_it_is_answered(model: ScriptedModel) -> None:
    outcome = load.closed_loop(target(model), connections=4, seconds=0.3)
    assert outcome.answered == len(outcome.times) == len(model.requests) > 8
    assert 0 <= outcome.answered - outcome.in_time <= 4
    assert outcome.seconds >= 0.3
    assert outcome.rate == outcome.in_time / outcome.seconds
    assert not outcome.failed
    assert model.requests[0].body == BODY


def test_an_open_loop_has_a_fixed_rate(model: ScriptedModel) -> None:
    outcome = load.open_loop(target(model), rate=200, seconds=0.5)
    assert outcome.answered == len(model.requests) == 100
    assert outcome.seconds >= 0.5
    assert len(outcome.late) > 50


def test_an_open_loop_counts_a_stall_for_all_who_had_to_wait(model: ScriptedModel) -> None:
    with stalling(model, 0.6):
        outcome = load.open_loop(target(model), rate=100, seconds=1.0)
    assert outcome.answered == 100
    # Sixty were due in the stall; those of its first half second waited for a tenth of one, or longer.
    assert sum(milliseconds > 90 for milliseconds in outcome.times) >= 45
    assert max(outcome.times) > 550


def test_an_open_loop_counts_the_wait_for_a_free_connection(
    model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "MAX_CONNECTIONS", 1)
    with stalling(model, 0.5):
        outcome = load.open_loop(target(model), rate=100, seconds=0.5)
    assert outcome.answered == 50
    assert sum(milliseconds > 90 for milliseconds in outcome.times) >= 35
    # What waited for the server's only connection was not sent late by the generator.
    assert len(outcome.late) < 25


def test_it_counts_what_is_never_answered(model: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "LAST_ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(load, "MAX_BACKLOG_SECONDS", 0.5)
    monkeypatch.setattr(load, "MAX_CONNECTIONS", 2)
    model.script = lambda _: None
    outcome = load.open_loop(target(model), rate=50, seconds=0.2)
    assert outcome.failed == {UNANSWERED: 2, UNSENT: 8}  # there are two connections
    assert len(outcome.times) == 10
    assert min(outcome.times) > 90
    assert outcome.answered == 0


def test_it_counts_refusals_apart(model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(b"{}", status="503 Service Unavailable")
    outcome = load.closed_loop(target(model), connections=1, seconds=0.1)
    assert outcome.answered == len(outcome.times) == 0
    assert outcome.failed == {"503": len(model.requests)}


def test_it_goes_on_when_a_connection_breaks(model: ScriptedModel) -> None:
    def script(conversation: Conversation) -> None:
        if len(model.requests) == 3:
            conversation.send(HEAD)
            conversation.sock.close()
        else:
            conversation.answer()

    model.script = script
    outcome = load.closed_loop(target(model), connections=2, seconds=0.2)
    assert outcome.failed == {BROKEN: 1}
    assert outcome.answered == len(model.requests) - 1 > 3


def test_it_reports_a_refused_connection() -> None:
    with pytest.raises(ConnectionBroken):
        load.closed_loop(Target(free_port(), b""), connections=1, seconds=0.1)


def test_a_schedule_does_not_shift_when_requests_are_late() -> None:
    schedule = Schedule(rate=10, seconds=0.5, started=100.0)
    assert not schedule.is_due(99.9)
    assert schedule.is_due(103.0)
    assert [schedule.take() for _ in range(5)] == pytest.approx([100.0, 100.1, 100.2, 100.3, 100.4])
    assert schedule.left == 0
    assert not schedule.is_due(200.0)


def test_the_stub_answers_after_the_configured_delay(stub: int) -> None:
    at_once = load.closed_loop(Target(stub, request("/", BODY)), connections=2, seconds=0.1)
    assert min(at_once.times) < 30
    request_once(stub, request("/delay/30", b""))
    later = load.closed_loop(Target(stub, request("/", BODY)), connections=2, seconds=0.2)
    assert min(later.times) >= 30
    assert request_once(stub, request("/", BODY)).endswith(ANSWER)


def test_callers_run_first_and_their_children_do_not() -> None:
    script = (
        "import os, subprocess, sys; from tools.benchmarks.resources import run_first;"
        "first = run_first([os.getpid()]);"
        "child = subprocess.check_output([sys.executable, '-c', 'import os; print(os.sched_getscheduler(0))']);"
        "own = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK;"
        "print(first, own == os.SCHED_FIFO, int(child) == os.SCHED_OTHER)"
    )
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True)
    assert printed.split() in (["True", "True", "True"], ["False", "False", "True"])
