"""A receiver of call-backs, jobs that have something to tell it, and a network that leads there."""

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

PUBLIC = "93.184.216.34"  # never dialled: `Elsewhere` leads to loopback in its place
SECRET = new_secret()


class Elsewhere(Network):
    """A network in which names resolve as a test says, and every address is at the receiver's."""

    def __init__(self, port: int, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.dialled: list[str] = []
        self._port = port

    def addresses(self, host: str, port: int, seconds: float) -> list[str]:
        return self.answers.pop(0)

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append(address)
        return socket.create_connection(("127.0.0.1", self._port), seconds)


def receiving(model: ScriptedModel, settings: Settings) -> ScriptedModel:
    """Takes every call-back with a 204, unless its script is changed; private addresses are allowed."""
    model.script = says("204 No Content")
    settings.CALLBACK_HOSTS = [model.url]
    settings.CALLBACK_ALLOW_PRIVATE = True
    settings.CALLBACK_SECRETS = [SECRET]
    return model


def says(status: str, head: bytes = b"") -> Script:
    """A script: this status, and nothing in the body."""
    return lambda conversation: conversation.answer(b"", status=status, head=head)


def stalls(receiver: ScriptedModel) -> Script:
    """A script: no answer until the test is over."""

    def script(_: Conversation) -> None:
        receiver.gone.wait()

    return script


def port_of(server: ScriptedModel) -> int:
    """Where it listens."""
    return int(server.url.rpartition(":")[2])


def promised(url: str, state: Job.State = Job.State.SUCCEEDED) -> Job:
    """A job with a call-back that is not due."""
    ends = {} if state in Job.ACTIVE else {"finished_at": datetime.now(UTC)}
    job = Job.objects.create(
        kind="retrain", state=state, params='{"n":1e999}', result='{"version": "8"}', requested_by="cron", **ends
    )
    deliveries.create(job, url)
    return job


def ended(url: str, state: Job.State = Job.State.SUCCEEDED) -> WebhookDelivery:
    """The call-back of a job that has ended."""
    job = promised(url, state)
    deliveries.job_ended(job.id)
    return WebhookDelivery.objects.get(job=job)


def make_due(callback: WebhookDelivery) -> None:
    """Lets the time pass until its next try."""
    WebhookDelivery.objects.filter(pk=callback.pk).update(due_at=datetime.now(UTC))


def waits(callback: WebhookDelivery) -> float:
    """Seconds until the next try."""
    callback.refresh_from_db()
    assert callback.due_at
    return (callback.due_at - datetime.now(UTC)).total_seconds()


def verified(conversation: Conversation, secret: str = SECRET) -> Any:
    """What was told, whose signature holds."""
    return Webhook(secret).verify(conversation.body, conversation.fields)
