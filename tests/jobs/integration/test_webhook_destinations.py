"""Webhooks go only to allowed hosts with public addresses and a valid TLS certificate for the host name."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from common.exceptions import BadInput
from common.outbound.network import Network
from jobs.models import WebhookDelivery
from jobs.webhooks import deliveries
from tests.support.certificate import self_signed
from tests.support.model import ScriptedModel
from tests.support.wait import until
from tests.support.webhooks import (
    PUBLIC,
    RedirectedNetwork,
    ended_job_webhook,
    make_due,
    port_of,
    start_receiver,
    verify_signature,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("transport"), pytest.mark.any_database]


@pytest.fixture
def receiver(model: ScriptedModel, settings: Settings) -> ScriptedModel:
    return start_receiver(model, settings)


@pytest.fixture
def _outside(receiver: ScriptedModel, settings: Settings) -> None:
    """Private addresses are refused, which is the default."""
    settings.CALLBACK_ALLOW_PRIVATE = False
    settings.CALLBACK_HOSTS = ["http://receiver.example", f"http://localhost:{port_of(receiver)}"]


def not_sent(callback: WebhookDelivery, receiver: ScriptedModel, network: Network) -> str:
    assert deliveries.deliver_due(network) == 0
    assert not receiver.requests
    callback.refresh_from_db()
    return callback.error


@pytest.mark.usefixtures("_outside")
def test_it_refuses_a_name_that_resolves_to_a_private_address(receiver: ScriptedModel) -> None:
    url = f"http://localhost:{port_of(receiver)}/"
    deliveries.check_url(url)
    said = not_sent(ended_job_webhook(url), receiver, Network())
    assert said == "not sent: the URL's host has a private address"


@pytest.mark.usefixtures("_outside")
@pytest.mark.parametrize("inside", ["10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_it_does_not_connect_to_a_private_address(receiver: ScriptedModel, inside: str) -> None:
    network = RedirectedNetwork(port_of(receiver), [inside])
    assert "private" in not_sent(ended_job_webhook("http://receiver.example/"), receiver, network)
    assert network.dialled == []


@pytest.mark.usefixtures("_outside")
def test_it_connects_to_the_address_that_was_checked(receiver: ScriptedModel) -> None:
    """The resolver returns a public address the first time, and a private one afterwards."""
    network = RedirectedNetwork(port_of(receiver), [PUBLIC], ["127.0.0.1"])
    callback = ended_job_webhook("http://receiver.example/hook")
    assert deliveries.deliver_due(network) == 1
    assert (network.dialled, network.answers) == ([PUBLIC], [["127.0.0.1"]])
    assert receiver.requests[0].fields["host"] == "receiver.example"
    WebhookDelivery.objects.filter(pk=callback.pk).update(state=WebhookDelivery.State.WAITING)
    make_due(callback)
    assert deliveries.deliver_due(network) == 0
    assert network.dialled == [PUBLIC]


@pytest.mark.usefixtures("_outside")
def test_it_connects_only_to_the_public_ones_of_several_addresses(receiver: ScriptedModel) -> None:
    network = RedirectedNetwork(port_of(receiver), ["192.168.0.1", PUBLIC, "::1"])
    ended_job_webhook("http://receiver.example/")
    assert deliveries.deliver_due(network) == 1
    assert network.dialled == [PUBLIC]


def test_it_tries_the_next_address_if_one_does_not_answer(receiver: ScriptedModel) -> None:
    class Halved(Network):
        def addresses(self, host: str, port: int, seconds: float) -> list[str]:
            return ["127.0.0.2", "127.0.0.1"]  # the receiver listens only on the second

    ended_job_webhook(receiver.url)
    assert deliveries.deliver_due(Halved()) == 1


def test_it_checks_again_at_each_attempt_that_the_host_is_allowed(receiver: ScriptedModel, settings: Settings) -> None:
    callback = ended_job_webhook(receiver.url)
    settings.CALLBACK_HOSTS = ["https://another.example"]
    assert "has a host that is not allowed" in not_sent(callback, receiver, Network())
    make_due(callback)
    settings.CALLBACK_HOSTS = []
    assert "sends no webhooks" in not_sent(callback, receiver, Network())


def test_it_tells_the_caller_what_is_wrong_with_a_url(receiver: ScriptedModel, settings: Settings) -> None:
    deliveries.check_url(f"{receiver.url}/hook")
    settings.CALLBACK_HOSTS = []
    with pytest.raises(BadInput) as raised:
        deliveries.check_url(f"{receiver.url}/hook")
    [fault] = raised.value.field_errors
    assert fault.pointer == "/callback_url"
    assert "CALLBACK_HOSTS is empty" in fault.detail


Certificate = Callable[[bytes], None]


@pytest.fixture
def names(receiver: ScriptedModel) -> list[str | None]:
    """The SNI names that clients sent to the receiver, which uses TLS once `certified`."""
    return []


@pytest.fixture
def certified(
    receiver: ScriptedModel, names: list[str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Certificate:
    """Gives the receiver a certificate for an address; the gateway trusts it."""

    def certify(address: bytes) -> None:
        path = tmp_path / "certificate.pem"
        path.write_text(self_signed(address))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        context.sni_callback = lambda _sock, name, _context: names.append(name)
        receiver._server.socket = context.wrap_socket(receiver._server.socket, server_side=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(path))

    return certify


def test_it_uses_tls_and_checks_the_certificate_against_the_url_s_host(
    receiver: ScriptedModel, settings: Settings, certified: Certificate
) -> None:
    """The certificate is for the public address in the URL; the connection itself is to loopback."""
    certified(socket.inet_aton(PUBLIC))
    settings.CALLBACK_HOSTS, settings.CALLBACK_ALLOW_PRIVATE = [PUBLIC], False
    ended_job_webhook(f"https://{PUBLIC}/hook")
    assert deliveries.deliver_due(RedirectedNetwork(port_of(receiver), [PUBLIC])) == 1
    assert verify_signature(receiver.requests[0])["type"] == "job.succeeded"


def test_it_refuses_a_certificate_for_the_address_alone(
    receiver: ScriptedModel, settings: Settings, certified: Certificate, names: list[str | None]
) -> None:
    certified(socket.inet_aton(PUBLIC))
    settings.CALLBACK_HOSTS, settings.CALLBACK_ALLOW_PRIVATE = ["receiver.example"], False
    network = RedirectedNetwork(port_of(receiver), [PUBLIC])
    assert "SSLError" in not_sent(ended_job_webhook("https://receiver.example/"), receiver, network)
    until(lambda: names == ["receiver.example"], what="the name that was asked for")


def test_it_refuses_a_certificate_that_it_does_not_trust(
    receiver: ScriptedModel, settings: Settings, certified: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified(socket.inet_aton("127.0.0.1"))
    monkeypatch.delenv("SSL_CERT_FILE")
    settings.CALLBACK_HOSTS = [f"127.0.0.1:{port_of(receiver)}"]
    url = receiver.url.replace("http://", "https://")
    assert "SSLError" in not_sent(ended_job_webhook(url), receiver, Network())
