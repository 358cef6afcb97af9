"""Running a job: progress, outcome, cancelling, and stale runners, which cannot write."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections
from django.db.models import F
from django.test import Client
from pytest_django import Settings

from jobs import kinds, runner, transitions
from jobs.models import Job, WebhookDelivery
from ml_proxy.retrain import training
from ml_proxy.retrain.kind import RETRAIN as RETRAIN_KIND
from tests.support.databases import table_missing
from tests.support.model import Conversation, Script, ScriptedModel
from tests.support.training_stream import RESULT, Stream, closes, event_line, is_closed_by_caller, trains
from tests.support.wait import until

pytestmark = pytest.mark.django_db(transaction=True)

JOBS, RETRAIN = "/ml/v1/retrain/jobs/", "/ml/v1/retrain/"
BEAT = 0.05


@pytest.fixture(autouse=True)
def _beats(empty_redis: str, settings: Settings) -> None:
    settings.REDIS_URL = empty_redis
    settings.JOB_HEARTBEAT_SECONDS, settings.JOB_LEASE_SECONDS = BEAT, 30


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as made:
        yield made


def pass_through(gateway: Client) -> Any:
    return gateway.post(RETRAIN, b"{}", content_type="application/json")


def start(gateway: Client, body: bytes = b"") -> UUID:
    return UUID(gateway.post(JOBS, body, content_type="application/json").json()["id"])


def in_background(pool: ThreadPoolExecutor, act: Callable[..., Any], *args: Any) -> "Future[Any]":
    def run() -> Any:
        try:
            return act(*args)
        finally:
            connections.close_all()

    return pool.submit(run)


def row(job_id: UUID) -> Job:
    return Job.objects.get(pk=job_id)


def leased_until() -> datetime:
    until = Job.objects.get().leased_until
    assert until is not None
    return until


@contextmanager
def own_connection() -> Iterator[None]:
    """A database connection for scripts, which run in the model server's threads."""
    try:
        yield
    finally:
        connections.close_all()


def test_it_stores_its_progress_and_reports_each_change(
    gateway: Client, model: ScriptedModel, pool: ThreadPoolExecutor
) -> None:
    told: list[tuple[int, str]] = []
    goes_on = threading.Event()

    def script(stream: Stream) -> None:
        stream.progress(40, "pass 2 of 5")
        goes_on.wait(60)
        stream.progress(80, "pass 4 of 5")
        until(lambda: len(told) == 2)
        stream.end()

    model.script = trains(script)
    job_id = start(gateway, b'{"params": {"trees": 5}}')
    running = in_background(pool, runner.run, job_id, lambda *progress: told.append(progress))
    until(lambda: row(job_id).percent == 40)
    shown = gateway.get(f"{JOBS}{job_id}/").json()
    assert (shown["state"], shown["progress"]) == ("running", {"percent": 40, "message": "pass 2 of 5"})
    until(lambda: told == [(40, "pass 2 of 5")])
    goes_on.set()
    assert running.result() == "succeeded"
    assert told == [(40, "pass 2 of 5"), (80, "pass 4 of 5")]
    ended = gateway.get(f"{JOBS}{job_id}/").json()
    assert (ended["result"], ended["error"]) == (RESULT, None)
    assert ended["progress"] == {"percent": 100, "message": "succeeded"}
    [asked] = model.requests
    assert (asked.fields["accept"], asked.fields["idempotency-key"]) == ("application/x-ndjson", str(job_id))
    assert asked.body == b'{"params": {"trees": 5}}'


def test_it_does_not_write_unchanged_progress(gateway: Client, model: ScriptedModel) -> None:
    told: list[tuple[int, str]] = []
    leases: list[datetime] = []

    def script(stream: Stream) -> None:
        with own_connection():
            for _ in range(5):
                stream.progress(40, "pass 2 of 5")
                leases.append(leased_until())
                until(lambda: leased_until() > leases[-1])
            stream.end()

    model.script = trains(script)
    assert runner.run(start(gateway), lambda *progress: told.append(progress)) == "succeeded"
    assert told == [(40, "pass 2 of 5")]


@pytest.mark.parametrize(
    "pieces",
    [
        [event_line("result", **RESULT)],
        [event_line("result", **RESULT).rstrip()],
        [
            b"\n\r\n",
            event_line("progress", percent=1, message="a"),
            b'{"event": "other"}\n{"a": 1}\n',
            event_line("result", **RESULT),
        ],
        [b'{"event"', b': "progress"}\n{"even', b't": "result", ', json.dumps(RESULT).encode()[1:], b"\n"],
        [event_line("result", **RESULT) + event_line("error", status=500, error="too late")],
    ],
    ids=["alone", "no end of line", "with what is no event", "in pieces", "and more"],
)
def test_it_parses_a_stream_in_any_chunks(gateway: Client, model: ScriptedModel, pieces: list[bytes]) -> None:
    model.script = closes(*pieces)
    job_id = start(gateway)
    assert runner.run(job_id) == "succeeded"
    assert json.loads(row(job_id).result or "") == RESULT


def test_it_keeps_the_result_s_text_unchanged(gateway: Client, model: ScriptedModel) -> None:
    model.script = closes(b'{"n": [1e999, -0], "event": "result", "s":"\\ud800\\u0000"}\n')
    job_id = start(gateway)
    runner.run(job_id)
    assert row(job_id).result == r'{"n": [1e999, -0], "s":"\ud800\u0000"}'


def cut_off(stream: Stream) -> None:
    stream.progress(10, "a")
    stream._conversation.send(b"ff\r\n{")
    stream._conversation.sock.close()


BROKEN = {
    "ends": (closes(event_line("progress", percent=50, message="half")), "without a result"),
    "breaks off": (trains(cut_off), "was truncated"),
    "in the middle of a line": (closes(b'{"event": "result", "mod'), "truncated or not JSON"),
    "is no JSON": (closes(b"50 %\n"), "truncated or not JSON"),
    "is no object": (closes(b"[50]\n"), "not a JSON object"),
    "says why": (
        closes(event_line("error", status=503, error="the server is stopping")),
        "answered 503: the server is stopping",
    ),
    "is too long": (closes(b'{"event": "' + b"x" * 5000 + b'"}\n'), "is larger than"),
    "never ends a line": (closes(b"x" * 900_000), "is larger than"),
    "never ends a chunk's length": (
        trains(lambda stream: stream._conversation.send(b"1" * 5_000_000)),
        "The model server",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_it_fails_with_the_reason_if_the_stream_is_broken(
    gateway: Client, model: ScriptedModel, settings: Settings, case: str
) -> None:
    model.script, said = BROKEN[case]
    settings.MAX_ANSWER_BYTES = 4096
    job_id = start(gateway)
    assert runner.run(job_id) == "failed"
    assert said in (row(job_id).error or "")


@pytest.mark.parametrize(
    ("percent", "message", "shown"),
    [
        (-5, "a", (0, "a")),
        (999, "b" * 500, (100, "b" * 200)),
        (49.6, "c\n\u202ed", (50, "c  d")),
        ("60", "e", (0, "e")),
        (70, None, (70, "training")),
    ],
)
def test_it_ignores_invalid_progress(
    gateway: Client, model: ScriptedModel, percent: Any, message: Any, shown: tuple[int, str]
) -> None:
    told: list[tuple[int, str]] = []

    def script(stream: Stream) -> None:
        stream.progress(percent, message)
        until(lambda: told)
        stream.end()

    model.script = trains(script)
    assert runner.run(start(gateway), lambda *progress: told.append(progress)) == "succeeded"
    assert told == [shown]


def test_it_waits_for_a_silent_model_server_while_it_trains(
    gateway: Client, model: ScriptedModel, settings: Settings
) -> None:
    settings.UPSTREAM_READ_SECONDS = 0.05

    def script(conversation: Conversation) -> None:
        threading.Event().wait(0.3)
        conversation.answer(b'{"version": "8"}')

    model.script = script
    job_id = start(gateway)
    assert runner.run(job_id) == "succeeded"
    assert row(job_id).result == '{"version": "8"}'
    assert pass_through(gateway).status_code == 200


def test_it_ends_at_its_deadline_even_if_events_continue(
    gateway: Client, model: ScriptedModel, settings: Settings
) -> None:
    settings.RETRAIN_JOB_SECONDS = 0.5
    hung_up: list[bool] = []

    def script(conversation: Conversation) -> None:
        stream = Stream(conversation)
        try:
            while not model.gone.wait(0.02):
                stream.progress(1, "still")
        except ConnectionError:
            hung_up.append(True)

    model.script = script
    job_id = start(gateway)
    assert runner.run(job_id) == "failed"
    assert "in time" in (row(job_id).error or "")
    assert until(lambda: hung_up) == [True]


def silent(_: Conversation) -> None:
    """Sends nothing until it is done."""


def talking(conversation: Conversation) -> None:
    """Sends one progress event."""
    Stream(conversation).progress(10, "pass 1 of 10")


def half(conversation: Conversation) -> None:
    """Sends a head and a part of the body."""
    conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")


@pytest.mark.parametrize("before", [silent, talking, half])
@pytest.mark.parametrize("run", [runner.run, None], ids=["worker", "pass-through"])
def test_it_closes_the_connection_when_it_is_cancelled(
    gateway: Client, model: ScriptedModel, pool: ThreadPoolExecutor, before: Script, run: Any
) -> None:
    hung_up: list[bool] = []

    def script(conversation: Conversation) -> None:
        before(conversation)
        hung_up.append(is_closed_by_caller(conversation))

    model.script = script
    act = (run, start(gateway)) if run else (pass_through, Client())
    ended = in_background(pool, *act)
    until(lambda: model.requests)
    job = Job.objects.get()
    WebhookDelivery.objects.create(job=job, url="https://example.com/")
    assert gateway.post(f"{JOBS}{job.id}/cancel/").json()["state"] in {"running", "cancelled"}
    outcome = ended.result(timeout=60)
    assert until(lambda: hung_up) == [True]
    job.refresh_from_db()
    assert (job.state, job.message, job.error) == ("cancelled", "cancelled", None)
    assert WebhookDelivery.objects.get().due_at is not None
    if run:
        assert outcome == "cancelled"
    else:
        assert (outcome.status_code, outcome.json()["type"]) == (409, "urn:ml-proxy:problem:job-conflict")
        assert outcome["Location"].endswith(f"{JOBS}{job.id}/")
    assert gateway.post(f"{JOBS}{job.id}/cancel/").status_code == 409


def test_it_is_cancelled_before_it_has_reached_the_model_server(
    gateway: Client, model: ScriptedModel, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:

    def late(job: Job, heartbeat: Any) -> Any:
        assert heartbeat.wait(60)
        return training.train(job, heartbeat)

    monkeypatch.setitem(kinds._registered, "retrain", replace(RETRAIN_KIND, run=late))
    job_id = start(gateway)
    ended = in_background(pool, runner.run, job_id)
    until(lambda: row(job_id).state == "running")
    transitions.cancel(job_id)
    assert ended.result(timeout=60) == "cancelled"
    assert not model.requests


@pytest.mark.parametrize("run", [runner.run, None], ids=["worker", "pass-through"])
def test_it_succeeds_if_the_result_arrived_before_it_was_stopped(
    gateway: Client, model: ScriptedModel, settings: Settings, run: Any
) -> None:
    settings.JOB_HEARTBEAT_SECONDS = 60

    def script(conversation: Conversation) -> None:
        with own_connection():
            transitions.cancel(Job.objects.get().id)
        conversation.answer(b'{"version": "8"}')

    model.script = script
    if run:
        assert run(start(gateway)) == "succeeded"
    else:
        assert pass_through(gateway).content == b'{"version": "8"}'
    job = Job.objects.get()
    assert (job.state, job.cancel_requested, job.result) == ("succeeded", True, '{"version": "8"}')


def test_it_stops_when_another_runner_has_taken_the_job_over(gateway: Client, model: ScriptedModel) -> None:
    hung_up: list[bool] = []

    def script(conversation: Conversation) -> None:
        with own_connection():
            Stream(conversation).progress(10, "pass 1")
            until(lambda: Job.objects.get().percent == 10)
            Job.objects.update(attempt=F("attempt") + 1, percent=55)
            hung_up.append(is_closed_by_caller(conversation))

    model.script = script
    job_id = start(gateway)
    assert runner.run(job_id) == "running"
    assert until(lambda: hung_up) == [True]
    job = row(job_id)
    assert (job.state, job.attempt, job.percent, job.finished_at) == ("running", 2, 55, None)


@pytest.mark.parametrize("beat", [60, BEAT])
def test_a_stale_runner_does_not_end_the_job(
    gateway: Client, model: ScriptedModel, settings: Settings, beat: float
) -> None:
    settings.JOB_HEARTBEAT_SECONDS = beat

    def script(stream: Stream) -> None:
        with own_connection():
            Job.objects.update(attempt=F("attempt") + 1)
        stream.end()

    model.script = trains(script)
    job_id = start(gateway)
    assert runner.run(job_id) == "running"
    assert row(job_id).result is None


def test_it_renews_its_lease(gateway: Client, model: ScriptedModel) -> None:
    seen: list[timedelta] = []

    def script(stream: Stream) -> None:
        with own_connection():
            first = leased_until()
            until(lambda: leased_until() > first)
            seen.append(leased_until() - datetime.now(UTC))
        stream.end()

    model.script = trains(script)
    runner.run(start(gateway))
    assert timedelta(seconds=25) < seen[0] <= timedelta(seconds=30)


def test_it_survives_a_database_outage(
    gateway: Client, model: ScriptedModel, pool: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def script(stream: Stream) -> None:
        stream.progress(10, "pass 1")
        begun.set()
        goes_on.wait(60)
        stream.progress(90, "pass 9")
        stream.end()

    model.script = trains(script)
    job_id = start(gateway)
    ended = in_background(pool, runner.run, job_id)
    assert begun.wait(60)
    with table_missing("jobs_job"):
        until(lambda: "can't renew its lease" in caplog.text)
        goes_on.set()
        until(lambda: caplog.text.count("the database can't store that") > 1)
    assert ended.result(timeout=60) == "succeeded"
    assert json.loads(row(job_id).result or "") == RESULT


def test_it_retries_slowly_during_a_database_outage(
    gateway: Client, pool: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    goes_on = threading.Event()

    def late(job: Job, heartbeat: Any) -> Any:
        assert heartbeat.wait(60)
        goes_on.wait(60)
        return training.train(job, heartbeat)

    job_id = start(gateway)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(kinds._registered, "retrain", replace(RETRAIN_KIND, run=late))
        ended = in_background(pool, runner.run, job_id)
        until(lambda: row(job_id).state == "running")
        transitions.cancel(job_id)
        until(lambda: "is stopped: cancelled" in caplog.text)
        with table_missing("jobs_job"):
            began = time.monotonic()
            goes_on.set()
            until(lambda: caplog.text.count("the database can't store that") == 3)
            assert time.monotonic() - began > runner.FIRST_PAUSE_SECONDS * (1 + 2)
        assert ended.result(timeout=60) == "cancelled"


@pytest.mark.parametrize("attempts", [0, 1])
def test_it_retries_while_the_model_server_is_busy(
    gateway: Client, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, attempts: int
) -> None:
    monkeypatch.setattr(training, "BUSY_PAUSE_SECONDS", 0.05)

    def script(conversation: Conversation) -> None:
        if len(model.requests) < 3:
            conversation.answer(b'{"error": "a training is already running"}', status="409 Conflict")
        else:
            Stream(conversation).end()

    model.script = script
    job_id = start(gateway)
    Job.objects.update(attempt=attempts)
    assert runner.run(job_id) == "succeeded"
    keys = [request.fields["idempotency-key"] for request in model.requests]
    assert keys == [str(job_id)] * 3


@pytest.mark.parametrize("seconds", [1, 60])
def test_it_stops_retrying_a_busy_model_server_when_cancelled(
    gateway: Client, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(training, "BUSY_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(training, "BUSY_SECONDS", seconds)

    def script(conversation: Conversation) -> None:
        if seconds == 60 and len(model.requests) == 3:
            with own_connection():
                transitions.cancel(Job.objects.get().id)
        conversation.answer(b'{"error": "busy"}', status="409 Conflict")

    model.script = script
    job_id = start(gateway)
    Job.objects.update(attempt=1)
    began = time.monotonic()
    assert runner.run(job_id) == ("cancelled" if seconds == 60 else "failed")
    assert time.monotonic() - began < 30  # otherwise it would retry for 60
    assert len(model.requests) >= 2


def test_it_leaves_no_connection_and_no_thread_behind(gateway: Client, model: ScriptedModel) -> None:
    hung_up: list[bool] = []

    def script(conversation: Conversation) -> None:
        Stream(conversation).end()
        hung_up.append(is_closed_by_caller(conversation))

    model.script = script
    job_id = start(gateway)
    runner.run(job_id)
    assert until(lambda: hung_up) == [True]
    assert not [thread for thread in threading.enumerate() if str(job_id) in thread.name]


def test_only_one_runner_can_claim_it(gateway: Client, model: ScriptedModel, pool: ThreadPoolExecutor) -> None:
    model.script = trains(Stream.end)
    job_id = start(gateway)
    connection.close()
    for ended in [in_background(pool, runner.run, job_id) for _ in range(8)]:
        assert ended.result() in {"running", "succeeded"}
    assert len(model.requests) == 1
    assert row(job_id).attempt == 1
