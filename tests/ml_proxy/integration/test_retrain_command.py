"""`manage.py retrain`: its request, its output, and the exit status for each outcome."""

import json
from concurrent.futures import Future, ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from pytest_django import Settings

from jobs import runner, submission, transitions
from jobs.models import Job
from ml_proxy.management.commands import retrain
from ml_proxy.retrain.kind import RETRAIN
from tests.support.model import Conversation, ScriptedModel
from tests.support.wait import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.fixture(autouse=True)
def _quick(empty_redis: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = empty_redis
    settings.JOB_HEARTBEAT_SECONDS, settings.JOB_LEASE_SECONDS = 0.05, 30
    monkeypatch.setattr(retrain, "POLL_SECONDS", 0.02)


def command(*words: str) -> tuple[int, str]:
    """Returns the exit status, and the output or error text."""
    printed = StringIO()
    try:
        call_command("retrain", *words, stdout=printed)
    except CommandError as exc:
        return exc.returncode, f"{printed.getvalue()}{exc}"
    return 0, printed.getvalue()


def worked_off(pool: ThreadPoolExecutor) -> "Future[str]":
    """A worker that runs the first job that exists."""

    def work() -> str:
        try:
            return runner.run(until(lambda: Job.objects.filter(state="queued").values_list("pk", flat=True))[0])
        finally:
            connections.close_all()

    return pool.submit(work)


@pytest.mark.parametrize(
    ("words", "params"),
    [
        ([], {"verdicts": True}),
        (["--no-verdicts"], {}),
        (["--model", "cells"], {"model": "cells", "verdicts": True}),
        (["--verdicts"], {"verdicts": True}),
        (["--verdicts", '{"since": "2026-01-31"}'], {"verdicts": {"since": "2026-01-31"}}),
        (
            [
                "--param",
                "C=1e-2",
                "--param",
                "seed=7",
                "--param",
                "name=a=b",
                "--param",
                'deep={"x": [1]}',
                "--param",
                "e=",
            ],
            {"verdicts": True, "params": {"C": 0.01, "seed": 7, "name": "a=b", "deep": {"x": [1]}, "e": ""}},
        ),
        (
            ["--param", "a=NaN", "--param", "b=null", "--param", 'c="7"'],
            {"verdicts": True, "params": {"a": "NaN", "b": None, "c": "7"}},
        ),
    ],
)
def test_its_options_become_the_request(gateway: Client, words: list[str], params: dict[str, Any]) -> None:
    status, printed = command(*words)
    job = Job.objects.get()
    assert (status, printed) == (0, f"{job.id}\n")
    assert json.loads(job.params) == params
    assert (job.state, job.requested_by) == ("queued", "manage.py retrain")
    assert job.request_id


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [("200 OK", 0, "succeeded"), ("500 Oops", 1, "failed: The model server answered 500")],
)
def test_it_waits_for_the_outcome(gateway: Client, model: ScriptedModel, answer: str, status: int, said: str) -> None:
    model.script = lambda conversation: conversation.answer(b'{"version": "8"}', status=answer)
    with ThreadPoolExecutor() as pool:
        worked_off(pool)
        ended, printed = command("--wait")
    assert ended == status
    assert printed.startswith(f"{Job.objects.get().id}\n")
    assert said in printed


@pytest.mark.parametrize(
    ("options", "asked"), [([], "GET /api/v1/model-info"), (["--no-verdicts"], "POST /api/v1/retrain")]
)
def test_it_reports_a_cancelled_job(
    gateway: Client, model: ScriptedModel, settings: Settings, options: list[str], asked: str
) -> None:
    settings.UPSTREAM_READ_SECONDS = settings.UPSTREAM_TOTAL_SECONDS = 600  # the cancellation ends it, no time-out

    def script(conversation: Conversation) -> None:
        try:
            transitions.cancel(Job.objects.get().id)
        finally:
            connections.close_all()
        conversation.sock.recv(1)

    model.script = script
    with ThreadPoolExecutor() as pool:
        worked_off(pool)
        status, printed = command("--wait", *options)
    assert model.requests[0].line.startswith(asked)
    assert status == 4
    assert printed.endswith("cancelled.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--param", "x"], "not K=V"),
        (["--param", "=x"], "not K=V"),
        (["--timeout", "5"], "--timeout requires --wait"),
        (["--param", f"a={'[' * 600}{']' * 600}"], ""),
    ],
)
def test_it_reports_invalid_input(gateway: Client, words: list[str], said: str) -> None:
    status, printed = command(*words)
    assert status == (2 if said else 0)
    assert said in printed


def test_it_names_the_active_retrain(gateway: Client) -> None:
    _, first = command()
    status, printed = command("--wait")
    assert status == 3
    assert first.strip() in printed
    assert "manage.py retrain" in printed


def test_it_stops_waiting_at_the_timeout_and_the_job_continues(gateway: Client) -> None:
    status, printed = command("--wait", "--timeout", "0.1")
    job = Job.objects.get()
    assert status == 5
    assert f"/ml/v1/retrain/jobs/{job.id}/cancel/" in printed
    assert job.state == "queued"
    assert not job.cancel_requested


def test_the_schedule_starts_a_job_unless_one_is_active(gateway: Client, caplog: pytest.LogCaptureFixture) -> None:
    started = submission.start_scheduled(RETRAIN)
    assert started
    first = started.id
    assert Job.objects.values_list("id", "requested_by", "params").get() == (first, "schedule", "{}")
    assert submission.start_scheduled(RETRAIN) is None
    assert f"job {first} is active" in caplog.text
    assert Job.objects.count() == 1
