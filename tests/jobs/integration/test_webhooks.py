"""Webhooks: delivered signed and once per ended job, retried after a failure, and finally given up."""

import json
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client
from pytest_django import Settings

from common.outbound.network import Network
from jobs.models import Job, WebhookDelivery
from jobs.webhooks import deliveries
from jobs.webhooks.signing import new_secret
from tests.support.gateway import resets, sends, sends_and_stays_open
from tests.support.model import Conversation, Script, ScriptedModel
from tests.support.webhooks import (
    SECRET,
    ended_job_webhook,
    job_with_webhook,
    make_due,
    responds,
    seconds_until_due,
    start_receiver,
    verify_signature,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("transport")]

TOKEN = "tell-nobody"
PATH = f"/jobs/{TOKEN}?key={TOKEN}"


@pytest.fixture
def receiver(model: ScriptedModel, settings: Settings) -> ScriptedModel:
    return start_receiver(model, settings)


@pytest.mark.parametrize("state", [Job.State.SUCCEEDED, Job.State.FAILED, Job.State.CANCELLED])
def test_it_delivers_a_signed_outcome(receiver: ScriptedModel, gateway: Client, state: Job.State) -> None:
    callback = ended_job_webhook(receiver.url + PATH, state)
    assert deliveries.deliver_due() == 1
    [told] = receiver.requests
    assert told.line == f"POST {PATH} HTTP/1.1"
    assert told.fields["host"] == receiver.url.removeprefix("http://")
    assert (told.fields["content-type"], told.fields["user-agent"]) == ("application/json", "ml-proxy")
    assert told.fields["webhook-id"] == str(callback.id)
    event = verify_signature(told)
    shown = gateway.get(f"/ml/v1/retrain/jobs/{callback.job_id}/").json()
    assert event == {"type": f"job.{state.value}", "timestamp": shown["finished_at"], "data": shown}
    callback.refresh_from_db()
    assert (callback.state, callback.attempts, callback.error) == ("delivered", 1, "")
    assert callback.delivered_at
    assert deliveries.deliver_due() == 0
    assert len(receiver.requests) == 1


def test_it_signs_with_both_secrets_during_a_rotation(receiver: ScriptedModel, settings: Settings) -> None:
    new = new_secret()
    settings.CALLBACK_SECRETS = [new, SECRET]
    ended_job_webhook(receiver.url)
    assert deliveries.deliver_due() == 1
    assert verify_signature(receiver.requests[0], new) == verify_signature(receiver.requests[0], SECRET)


def test_it_sends_nothing_before_the_job_has_ended(receiver: ScriptedModel) -> None:
    job = job_with_webhook(receiver.url, Job.State.RUNNING)
    assert deliveries.deliver_due() == 0
    assert not receiver.requests
    deliveries.job_ended(UUID(int=1))
    assert deliveries.deliver_due() == 0
    Job.objects.update(state=Job.State.FAILED, finished_at=datetime.now(UTC))
    deliveries.job_ended(job.id)
    assert deliveries.deliver_due() == 1
    deliveries.job_ended(job.id)
    assert deliveries.deliver_due() == 0


def test_it_creates_and_schedules_in_the_caller_s_transaction(receiver: ScriptedModel) -> None:
    def undo() -> None:
        raise LookupError

    with suppress(LookupError), transaction.atomic():
        ended_job_webhook(receiver.url)
        undo()
    assert (WebhookDelivery.objects.count(), deliveries.deliver_due()) == (0, 0)
    job = job_with_webhook(receiver.url)
    with suppress(LookupError), transaction.atomic():
        deliveries.job_ended(job.id)
        undo()
    assert deliveries.deliver_due() == 0


def test_it_retries_with_the_same_id(receiver: ScriptedModel) -> None:
    receiver.script = responds("500 Oops")
    callback = ended_job_webhook(receiver.url)
    assert deliveries.deliver_due() == 0
    assert 3 < seconds_until_due(callback) < 7
    assert (callback.state, callback.attempts, callback.error) == ("waiting", 1, "HTTP 500")
    deliveries.job_ended(callback.job_id)
    assert deliveries.deliver_due() == 0
    make_due(callback)
    receiver.script = responds("200 OK")
    assert deliveries.deliver_due() == 1
    first, second = receiver.requests
    assert first.fields["webhook-id"] == second.fields["webhook-id"]
    assert verify_signature(first) == verify_signature(second)
    callback.refresh_from_db()
    assert (callback.state, callback.attempts, callback.error) == ("delivered", 2, "")


def test_it_waits_longer_after_each_attempt_and_finally_gives_up(receiver: ScriptedModel) -> None:
    receiver.script = responds("503 Busy")
    callback = ended_job_webhook(receiver.url)
    for wait in (5, 30, 120, 600, 1800, 7200, 21_600, 43_200):
        deliveries.deliver_due()
        assert 0.8 * wait - 3 < seconds_until_due(callback) <= 1.2 * wait
        make_due(callback)
    deliveries.deliver_due()
    make_due(callback)
    assert deliveries.deliver_due() == 0
    callback.refresh_from_db()
    assert (callback.state, callback.attempts, callback.error) == ("given up", 9, "HTTP 503")
    assert len(receiver.requests) == 9
    assert {verify_signature(told)["type"] for told in receiver.requests} == {"job.succeeded"}


def test_it_gives_up_at_once_on_410_gone(receiver: ScriptedModel) -> None:
    receiver.script = responds("410 Gone")
    callback = ended_job_webhook(receiver.url)
    assert deliveries.deliver_due() == 0
    callback.refresh_from_db()
    assert (callback.state, callback.error) == ("given up", "HTTP 410")


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("300", 298, 300),
        (format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 3000, 3600),
        ("99999999999999999999", 86_398, 86_400),
        ("9" * 400, 86_398, 86_400),
        ("0", 3, 7),
        ("-5", 3, 7),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 3, 7),
        ("soon", 3, 7),
    ],
    ids=["seconds", "date", "too long", "far too long", "at once", "negative", "past", "no time"],
)
def test_it_respects_retry_after_within_bounds(receiver: ScriptedModel, asked: str, least: float, most: float) -> None:
    receiver.script = responds("429 Slow Down", f"Retry-After: {asked}\r\n".encode())
    callback = ended_job_webhook(receiver.url)
    deliveries.deliver_due()
    assert least <= seconds_until_due(callback) <= most


def test_it_follows_no_redirect(receiver: ScriptedModel) -> None:
    elsewhere = ScriptedModel()
    try:
        receiver.script = responds("307 Elsewhere", f"Location: {elsewhere.url}/\r\n".encode())
        callback = ended_job_webhook(receiver.url)
        assert deliveries.deliver_due() == 0
        assert not elsewhere.requests
    finally:
        elsewhere.close()
    callback.refresh_from_db()
    assert (callback.state, callback.error) == ("waiting", "HTTP 307")


def test_it_uses_no_proxy(receiver: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    ended_job_webhook(receiver.url)
    assert deliveries.deliver_due() == 1


@pytest.mark.django_db(transaction=True)
def test_it_sends_each_once_with_many_concurrent_workers(receiver: ScriptedModel) -> None:
    expected = {str(ended_job_webhook(receiver.url).id) for _ in range(8)}
    together = threading.Barrier(4)

    def deliver(_: int) -> int:
        try:
            together.wait(60)
            return deliveries.deliver_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(deliver, range(4))) == 8
    assert len(receiver.requests) == 8
    assert {told.fields["webhook-id"] for told in receiver.requests} == expected


@pytest.mark.django_db(transaction=True)
def test_it_skips_a_delivery_that_another_worker_is_sending(receiver: ScriptedModel) -> None:
    callback = ended_job_webhook(receiver.url)
    seen: list[float] = []

    def script(conversation: Conversation) -> None:
        seen.append(deliveries.deliver_due())
        seen.append(seconds_until_due(callback))
        connection.close()
        conversation.answer(b"")

    receiver.script = script
    assert deliveries.deliver_due() == 1
    delivered, claimed_for = seen
    assert delivered == 0
    assert claimed_for > 30  # longer than sending may take; after that another worker may claim it
    assert len(receiver.requests) == 1


def test_it_ignores_the_failure_of_an_attempt_whose_claim_expired(receiver: ScriptedModel) -> None:
    """A sender that was delayed beyond its claim fails after another worker's newer attempt."""
    callback = ended_job_webhook(receiver.url)

    class HeldUp(Network):
        def connect(self, address: str, port: int, seconds: float) -> socket.socket:
            WebhookDelivery.objects.update(attempts=5, error="another's")
            return super().connect(address, port, seconds)

    receiver.script = responds("500 Oops")
    assert deliveries.deliver_due(HeldUp()) == 0
    callback.refresh_from_db()
    assert (callback.attempts, callback.error) == (5, "another's")


def test_it_sends_at_most_one_batch_and_a_failure_does_not_block_the_rest(receiver: ScriptedModel) -> None:
    def script(conversation: Conversation) -> None:
        conversation.answer(b"", status="500 Oops" if "/bad" in conversation.line else "204 No Content")

    receiver.script = script
    for _ in range(5):
        ended_job_webhook(f"{receiver.url}/bad")
    for _ in range(deliveries.BATCH):
        ended_job_webhook(f"{receiver.url}/good")
    assert deliveries.deliver_due() == deliveries.BATCH - 5
    assert deliveries.deliver_due() == 5
    assert deliveries.deliver_due() == 0


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (resets, "no response (ConnectionError)"),
        (sends(), "no response (ConnectionError)"),
        (sends(b"what?\r\n\r\n"), "no response (BadResponse)"),
        (sends_and_stays_open(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000), "the response's head is too large"),
        (sends_and_stays_open(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000), "the response's head is too large"),
        (responds("101 Switching"), "no response (BadResponse)"),
        (responds("404 Not Found"), "HTTP 404"),
    ],
)
def test_it_stores_why_the_delivery_failed(receiver: ScriptedModel, script: Script, error: str) -> None:
    receiver.script = script
    callback = ended_job_webhook(receiver.url)
    assert deliveries.deliver_due() == 0
    callback.refresh_from_db()
    assert error in callback.error
    assert callback.state == "waiting"


@pytest.mark.parametrize(
    "script",
    [
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        sends(b"HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"),
        sends_and_stays_open(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000),
    ],
    ids=["truncated", "garbled", "huge"],
)
def test_it_ignores_everything_after_a_2xx_status(receiver: ScriptedModel, script: Script) -> None:
    receiver.script = script
    ended_job_webhook(receiver.url)
    assert deliveries.deliver_due() == 1


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Everything that was logged and stored."""
    caplog.set_level(logging.DEBUG)

    def read() -> str:
        rows = [json.dumps(row, default=str) for row in WebhookDelivery.objects.values("state", "error", "attempts")]
        return "\n".join([caplog.text, *rows])

    return read


@pytest.mark.parametrize(
    "script",
    [
        responds("200 OK"),
        responds("500 Oops"),
        responds("410 Gone"),
        resets,
        lambda told: told.answer(told.body + TOKEN.encode(), status=f"500 {TOKEN}"),
    ],
)
def test_it_logs_neither_path_nor_query_nor_secret(
    receiver: ScriptedModel, script: Script, everything: Callable[[], str]
) -> None:
    receiver.script = script
    ended_job_webhook(receiver.url + PATH)
    deliveries.deliver_due()
    assert receiver.requests
    shown = everything()
    assert "127.0.0.1" in shown
    for hidden in (TOKEN, SECRET, SECRET.removeprefix("whsec_"), receiver.requests[0].fields["webhook-signature"]):
        assert hidden not in shown
