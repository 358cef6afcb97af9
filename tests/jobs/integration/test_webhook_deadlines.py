"""An attempt ends by its deadline, no matter how slow the receiver, the handshake or the resolver is."""

import socket
import time
from typing import Any

import pytest
from pytest_django import Settings

from jobs.models import WebhookDelivery
from jobs.webhooks import deliveries
from tests.support.model import Conversation, ScriptedModel
from tests.support.webhooks import ended_job_webhook, stalls, start_receiver

TOTAL = 0.3  # seconds
LATEST = 10  # seconds: the receivers here would otherwise continue until the test ends

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("transport"), pytest.mark.any_database]


@pytest.fixture
def receiver(model: ScriptedModel, settings: Settings) -> ScriptedModel:
    return start_receiver(model, settings)


@pytest.fixture
def _hurried(settings: Settings) -> None:
    settings.CALLBACK_TOTAL_SECONDS = TOTAL


def on_time(callback: WebhookDelivery) -> str:
    """Sends the webhook within the deadline and returns why it was not delivered."""
    started = time.monotonic()
    assert deliveries.deliver_due() == 0
    assert TOTAL * 0.9 <= time.monotonic() - started < LATEST
    callback.refresh_from_db()
    return callback.error


@pytest.mark.usefixtures("_hurried")
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_it_limits_a_response_head_that_arrives_byte_by_byte(receiver: ScriptedModel, said: bytes) -> None:
    def drip(conversation: Conversation) -> None:
        conversation.send(said)
        while not receiver.gone.wait(TOTAL / 20):
            conversation.send(b"H" if said else b"\r")

    receiver.script = drip
    assert on_time(ended_job_webhook(receiver.url)).startswith("no response (")


@pytest.mark.usefixtures("_hurried")
def test_it_limits_a_silent_receiver(receiver: ScriptedModel) -> None:
    receiver.script = stalls(receiver)
    assert on_time(ended_job_webhook(receiver.url)) == "no response (ReadTimeout)"


@pytest.mark.usefixtures("_hurried")
def test_it_stops_reading_a_slow_body_in_time_and_counts_the_2xx(receiver: ScriptedModel) -> None:
    def drip(conversation: Conversation) -> None:
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not receiver.gone.wait(TOTAL / 20):
            conversation.send(b" ")

    receiver.script = drip
    ended_job_webhook(receiver.url)
    started = time.monotonic()
    assert deliveries.deliver_due() == 1
    assert time.monotonic() - started < LATEST


@pytest.mark.usefixtures("_hurried")
def test_it_limits_a_slow_handshake(receiver: ScriptedModel, settings: Settings) -> None:
    settings.CALLBACK_HOSTS = [receiver.url.replace("http://", "https://")]
    receiver.script = stalls(receiver)
    assert on_time(ended_job_webhook(settings.CALLBACK_HOSTS[0])) == "no response (ConnectTimeout)"


@pytest.mark.usefixtures("_hurried")
def test_it_limits_a_slow_resolver(
    receiver: ScriptedModel, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        receiver.gone.wait()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", never)
    settings.CALLBACK_HOSTS = [receiver.url.replace("127.0.0.1", "localhost")]
    assert on_time(ended_job_webhook(settings.CALLBACK_HOSTS[0])) == "no response (ConnectTimeout)"


def test_it_starts_no_further_delivery_after_the_batch_s_time(
    receiver: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "BATCH_SECONDS", 0.0)
    ended_job_webhook(receiver.url)
    assert deliveries.deliver_due() == 0
    assert not receiver.requests
