"""A receiver of webhooks, jobs with webhooks, and a network that leads to the receiver."""

import socket
from datetime import UTC, datetime
from typing import Any

from pytest_django import Settings
from standardwebhooks import Webhook

from common.outbound.network import Network
from jobs.models import Job, WebhookDelivery
from jobs.webhooks import deliveries
from jobs.webhooks.signing import new_secret
from tests.support.model import Conversation, Script, ScriptedModel

PUBLIC = "93.184.216.34"  # never connected to: `RedirectedNetwork` connects to loopback instead
SECRET = new_secret()


class RedirectedNetwork(Network):
    """A network in which the test defines the addresses of names, and each connection goes to the receiver."""

    def __init__(self, port: int, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.dialled: list[str] = []
        self._port = port

    def addresses(self, host: str, port: int, seconds: float) -> list[str]:
        return self.answers.pop(0)

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append(address)
        return socket.create_connection(("127.0.0.1", self._port), seconds)


def start_receiver(model: ScriptedModel, settings: Settings) -> ScriptedModel:
    """Answers every webhook with 204 until its script is changed; allows private addresses."""
    model.script = responds("204 No Content")
    settings.CALLBACK_HOSTS = [model.url]
    settings.CALLBACK_ALLOW_PRIVATE = True
    settings.CALLBACK_SECRETS = [SECRET]
    return model


def responds(status: str, head: bytes = b"") -> Script:
    """A script that responds with this status and an empty body."""
    return lambda conversation: conversation.answer(b"", status=status, head=head)


def stalls(receiver: ScriptedModel) -> Script:
    """A script that never responds during the test."""

    def script(_: Conversation) -> None:
        receiver.gone.wait()

    return script


def port_of(server: ScriptedModel) -> int:
    """The server's port."""
    return int(server.url.rpartition(":")[2])


def job_with_webhook(url: str, state: Job.State = Job.State.SUCCEEDED) -> Job:
    """A job with a webhook that is not due yet."""
    ends = {} if state in Job.ACTIVE else {"finished_at": datetime.now(UTC)}
    job = Job.objects.create(
        kind="retrain", state=state, params='{"n":1e999}', result='{"version": "8"}', requested_by="cron", **ends
    )
    deliveries.create(job, url)
    return job


def ended_job_webhook(url: str, state: Job.State = Job.State.SUCCEEDED) -> WebhookDelivery:
    """The webhook delivery of an ended job."""
    job = job_with_webhook(url, state)
    deliveries.job_ended(job.id)
    return WebhookDelivery.objects.get(job=job)


def make_due(callback: WebhookDelivery) -> None:
    """Makes the next attempt due now."""
    WebhookDelivery.objects.filter(pk=callback.pk).update(due_at=datetime.now(UTC))


def seconds_until_due(callback: WebhookDelivery) -> float:
    """Seconds until the next attempt."""
    callback.refresh_from_db()
    assert callback.due_at
    return (callback.due_at - datetime.now(UTC)).total_seconds()


def verify_signature(conversation: Conversation, secret: str = SECRET) -> Any:
    """The payload of a webhook; raises if its signature is wrong."""
    return Webhook(secret).verify(conversation.body, conversation.fields)
