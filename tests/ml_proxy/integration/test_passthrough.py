"""The pass-through does not change the answers of a third-party server."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from ml_proxy.upstream.headers import POLICIES, POLICY_PREFIXES
from tests.support import httpbin
from tests.support.gateway import assert_problem
from tests.support.model import ScriptedModel

pytestmark = pytest.mark.any_database

FIELDS = {
    "User-Agent": "faithful/1",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br",
    "X-Request-ID": "same-for-both",
}
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "server", "date", "via"}
# What Django's own middleware adds to every response of this host.
ADDED = {"x-frame-options", "x-content-type-options", "referrer-policy", "cross-origin-opener-policy", "vary"}
ADDED |= {"content-security-policy", "permissions-policy"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with httpbin.serving() as url:
        yield url


@pytest.fixture
def through(gateway: Client, server: str, settings: Settings) -> Client:
    settings.ML_SERVER_URL = server
    return gateway


def environ(fields: dict[str, str]) -> dict[str, Any]:
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in fields.items()}


def compared(client: Client, server: str, path: str, **more: str) -> httpbin.Answer:
    """Requests an httpbin path directly and through the gateway, compares both, and returns httpbin's answer."""
    fields = FIELDS | {name.replace("_", "-"): value for name, value in more.items()}
    query = httpbin.target(path)
    direct = httpbin.ask(server, f"/api/v1/status?{query}", fields)
    response = client.get(f"/ml/v1/status/?{query}", **environ(fields))
    assert (response.status_code, response.reason_phrase) == (direct.status, direct.reason)
    assert response.content == direct.body
    lowered = [(name.lower(), value) for name, value in direct.fields if name.lower() not in HOP_BY_HOP | POLICIES]
    sent = sorted(field for field in lowered if not field[0].startswith(POLICY_PREFIXES))
    passed = sorted((name.lower(), value) for name, value in response.items())
    own = {"x-request-id", "content-length", "date", "server"} | (ADDED - dict(sent).keys())
    vary = dict(sent).get("vary")  # the gateway's response also varies by origin, for CORS
    assert [field for field in passed if field[0] not in own] == [
        (name, f"{vary}, origin" if name == "vary" else value) for name, value in sent
    ]
    assert response.get("Content-Length", str(len(direct.body))) == str(len(direct.body))
    assert {"server", "date"} <= dict(passed).keys()
    return direct


@pytest.mark.parametrize("status", [200, 201, 204, 206, 226, 299, 304, 400, 401, 404, 405, 406, 409, 410, 412])
def test_it_passes_statuses_on(through: Client, server: str, status: int) -> None:
    compared(through, server, f"/status/{status}")


@pytest.mark.parametrize("status", [402, 418, 422, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 599])
def test_it_passes_odd_statuses_on(through: Client, server: str, status: int) -> None:
    compared(through, server, f"/status/{status}")


REDIRECTS = [f"/status/{status}" for status in (300, 301, 302, 303, 305, 306, 307, 308)]


@pytest.mark.parametrize("path", [*REDIRECTS, "/redirect/2", "/absolute-redirect/1", "/cookies/set?a=1"])
def test_it_does_not_pass_redirects_on(through: Client, path: str) -> None:
    assert_problem(through.get(f"/ml/v1/status/?{httpbin.target(path)}"), 502, "upstream-redirected")


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/gzip", 50),
        ("/deflate", 50),
        ("/brotli", 50),
        ("/bytes/0?seed=1", 0),
        ("/bytes/1000?seed=1", 1000),
        ("/bytes/102400?seed=2", 102400),
        ("/stream-bytes/2000?seed=3&chunk_size=7", 2000),
        ("/stream-bytes/50000?seed=4", 50000),
        ("/stream/5", 500),
        ("/range/1024?chunk_size=100", 1024),
        ("/drip?duration=0.1&numbytes=20&code=203", 20),
        ("/image/png", 8000),
        ("/image/jpeg", 30000),
        ("/image/svg", 8000),
        ("/image/webp", 10000),
        ("/encoding/utf8", 7000),
        ("/html", 3000),
        ("/xml", 500),
        ("/json", 400),
        ("/deny", 200),
        ("/etag/seven", 100),
        ("/cache/60", 100),
        ("/headers", 100),
        ("/base64/7ZWc6riA", 6),
    ],
)
def test_it_passes_bodies_on(through: Client, server: str, path: str, size: int) -> None:
    assert len(compared(through, server, path).body) >= size


@pytest.mark.parametrize(
    "query",
    [
        "X-One=1",
        "X-Twice=1&X-Twice=2&x-twice=3",
        "Content-Type=text/plain%3B%20charset%3Dlatin-1",
        "Content-Disposition=attachment%3B%20filename%3D%22a%3B%20b%22",
        "Vary=Accept-Encoding",
        "ETag=%22a%2C%20b%22&Cache-Control=no-cache&Cache-Control=max-age%3D0",
        "Warning=199%20-%20%22x%2C%20y%22&Warning=299%20-%20z",
        "Retry-After=120&Location=/elsewhere&Link=%3C/a%3E%3B%20rel%3Dnext&Allow=GET%2C%20BREW",
    ],
)
def test_it_passes_fields_on(through: Client, server: str, query: str) -> None:
    compared(through, server, f"/response-headers?{query}")


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/etag/seven", {"If_None_Match": '"seven"'}, 304),
        ("/etag/seven", {"If_None_Match": '"eight"'}, 200),
        ("/etag/seven", {"If_Match": '"eight"'}, 412),
        ("/cache", {"If_Modified_Since": "Sat, 29 Oct 1994 19:43:31 GMT"}, 304),
        ("/range/100", {"Range": "bytes=10-19"}, 206),
        ("/range/100", {"Range": "bytes=500-"}, 416),
        ("/image", {"Accept": "image/webp"}, 200),
        ("/image", {"Accept": "text/x-none"}, 406),
    ],
)
def test_it_passes_conditions_on(through: Client, server: str, path: str, fields: dict[str, str], status: int) -> None:
    assert compared(through, server, path, **fields).status == status


def test_it_answers_head_with_the_fields_of_get(through: Client) -> None:
    response = through.head(f"/ml/v1/status/?{httpbin.target('/bytes/1000?seed=1')}", **environ(FIELDS))
    assert (response.status_code, response.content, response["Content-Length"]) == (200, b"", "1000")


@pytest.mark.django_db
def test_it_passes_a_short_retrain_through(gateway: Client, model: ScriptedModel) -> None:
    answer = b' {"version": "8"} '
    model.script = lambda conversation: conversation.answer(answer, status="299 Trained")
    body = b'{"params": {"epochs": 1e2}} '
    response = gateway.post("/ml/v1/retrain/?a=%20b", body, content_type="application/json")
    assert (response.status_code, response.content) == (299, answer)
    [request] = model.requests
    assert (request.line, request.body) == ("POST /api/v1/retrain?a=%20b HTTP/1.1", body)
