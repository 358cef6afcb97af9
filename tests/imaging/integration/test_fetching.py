"""A caller's URL leads to public addresses only, and to a picture or to an error that says what to do."""

import base64
import socket
import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from common.outbound.network import Network
from imaging import fetching
from imaging.exceptions import PictureNotFetched
from tests.support import malformed_pictures
from tests.support.model import Conversation, Script, ScriptedModel
from tests.support.webhooks import PUBLIC, RedirectedNetwork, port_of

pytestmark = pytest.mark.usefixtures("transport")

PICTURE = malformed_pictures.saved(malformed_pictures.picture(), "PNG")
JPEG = b"Content-Type: image/jpeg\r\n"

# Each leads inside, or is no URL at all. Names are resolved by the test's network, addresses are not.
HOSTILE = [
    "http://127.0.0.1/",
    "http://127.0.0.1:80/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://127.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[2001:0:7f00:1::1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://192.0.0.1/",
    "http://192.0.0.192/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://93.184.216.34:22/",
    "https://93.184.216.34:6379/",
    "http://user:secret@93.184.216.34/",
    "http://93.184.216.34\\@127.0.0.1/",
    "http://93.184.216.34#@127.0.0.1/",
    "http://127.0.0.1%2f.example/",
    "http://example.org\r\nHost: 127.0.0.1/",
    "http://例え.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://93.184.216.34/",
    "data:image/png;base64,AAAA",
    "//127.0.0.1/",
    "",
]


class InsideNetwork(Network):
    """Resolves as the system would, but every other name leads inside. Connects to nothing."""

    def __init__(self) -> None:
        self.dialled: list[str] = []

    def addresses(self, host: str, port: int, seconds: float) -> list[str]:
        try:
            return [str(socket.inet_ntoa(socket.inet_aton(host)))]
        except OSError:
            return [host] if ":" in host else ["127.0.0.1", "::1", "10.1.2.3"]

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append(address)
        raise ConnectionRefusedError


@pytest.fixture
def server(model: ScriptedModel) -> ScriptedModel:
    model.script = lambda conversation: conversation.answer(PICTURE, head=JPEG)
    return model


@pytest.fixture
def listed(server: ScriptedModel, settings: Settings) -> ScriptedModel:
    settings.IMAGE_HOSTS = [server.url]
    return server


def refused(url: str, network: Network | None = None) -> str:
    with pytest.raises(PictureNotFetched) as raised:
        fetching.fetch(url, "/initial_image_url", network or Network())
    [error] = raised.value.field_errors
    assert error.pointer == "/initial_image_url"
    return error.detail


def test_there_are_forty_hostile_urls() -> None:
    assert len(set(HOSTILE)) >= 40


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_connects_to_nothing(url: str) -> None:
    network = InsideNetwork()
    assert refused(url, network)
    assert network.dialled == []


def test_a_public_address_is_fetched(server: ScriptedModel) -> None:
    network = RedirectedNetwork(port_of(server), [PUBLIC])
    assert fetching.fetch("http://photos.example/desk.png?size=l", "", network) == PICTURE
    [request] = server.requests
    assert request.line == "GET /desk.png?size=l HTTP/1.1"
    assert request.fields["host"] == "photos.example"
    assert request.fields.keys().isdisjoint({"cookie", "authorization", "referer"})


def test_a_rebinding_resolver_gets_nothing(server: ScriptedModel) -> None:
    """The name is looked up once for each fetch, so a second answer has no effect; alone, it is refused."""
    network = RedirectedNetwork(port_of(server), [PUBLIC], ["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC])
    fetching.fetch("http://photos.example/", "", network)
    assert network.dialled == [PUBLIC]
    assert "public address" in refused("http://photos.example/", network)
    for _ in range(2):
        fetching.fetch("http://photos.example/", "", network)
    assert network.dialled == [PUBLIC] * 3


def test_a_listed_host_may_be_private_and_have_any_port(listed: ScriptedModel) -> None:
    assert fetching.fetch(f"{listed.url}/desk.png", "") == PICTURE


def test_a_listed_host_is_listed_with_its_port_and_scheme(listed: ScriptedModel, settings: Settings) -> None:
    settings.IMAGE_HOSTS = ["127.0.0.1", f"https://127.0.0.1:{port_of(listed)}"]
    refused(f"{listed.url}/desk.png")
    assert listed.requests == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(listed: ScriptedModel, status: str) -> None:
    listed.script = lambda conversation: conversation.answer(b"", status=status, head=b"Location: http://10.0.0.1/\r\n")
    assert "redirects" in refused(listed.url)
    assert len(listed.requests) == 1


def _drips(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        conversation.send(b"x")
        time.sleep(0.02)


def _endless(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        conversation.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


def _endless_head(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        conversation.send(b"X: " + b"x" * 1000 + b"\r\n")


def _sends(data: bytes) -> Script:
    def script(conversation: Conversation) -> None:
        conversation.send(data)
        conversation.sock.close()

    return script


def _answers(status: str, head: bytes = b"") -> Script:
    return lambda conversation: conversation.answer(b"x", status=status, head=head)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (_drips, "within 0.3 s"),
        (_endless, "IMAGE_MAX_BYTES"),
        (_endless_head, "can't be reached|IMAGE_MAX_BYTES"),
        (_sends(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), "IMAGE_MAX_BYTES"),
        (_sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), "can't be reached"),
        (_sends(b"not HTTP"), "can't be reached"),
        (_sends(b""), "can't be reached"),
        (_answers("404 Not Found"), "HTTP 404"),
        (_answers("401 Unauthorized", b"WWW-Authenticate: Basic\r\n"), "HTTP 401"),
        (_answers("206 Partial Content"), "HTTP 206"),
        (_answers("200 OK", b"Content-Encoding: gzip\r\n"), "Content-Encoding"),
    ],
)
def test_a_server_that_misbehaves_is_cut_off(
    listed: ScriptedModel, settings: Settings, script: Callable[[Conversation], None], said: str
) -> None:
    settings.IMAGE_FETCH_SECONDS = 0.3 if script is _drips else 20
    settings.IMAGE_MAX_BYTES = 1_000_000
    listed.script = script
    assert pytest.approx(0, abs=15) == _seconds(lambda: _assert_said(refused(listed.url), said))


def _assert_said(text: str, pattern: str) -> None:
    assert any(part in text for part in pattern.split("|")), text


def _seconds(call: Callable[[], None]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def test_an_error_quotes_nothing(listed: ScriptedModel) -> None:
    secret = base64.b64encode(b"a token").decode()
    listed.script = lambda conversation: conversation.answer(b"", status=f"500 {secret}")
    assert secret not in refused(f"{listed.url}/?token={secret}")
