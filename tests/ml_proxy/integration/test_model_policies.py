"""What the model server sends can't change how browsers treat the gateway's origin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from common.content_security_policy import FOREIGN
from tests.support.gateway import predict
from tests.support.idempotency import predict_with_key
from tests.support.model import Conversation, ScriptedModel

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

POLICIES = {
    "Set-Cookie": "sessionid=stolen; Path=/",
    "SET-COOKIE2": "sessionid=stolen",
    "Clear-Site-Data": '"*"',
    "X-Accel-Redirect": "/protected/",
    "X-Accel-Buffering": "no",
    "x-sendfile": "/etc/passwd",
    "Strict-Transport-Security": "max-age=0",
    "Content-Security-Policy": "default-src *",
    "Content-Security-Policy-Report-Only": "default-src *; report-uri https://evil.example",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Credentials": "true",
    "Service-Worker-Allowed": "/",
    "Refresh": "0; url=https://evil.example",
    "Alt-Svc": 'h2="evil.example:443"',
    "NEL": '{"report_to": "x"}',
    "Report-To": "{}",
    "Reporting-Endpoints": 'x="https://evil.example"',
    "Referrer-Policy": "unsafe-url",
    "Permissions-Policy": "camera=*",
    "X-Frame-Options": "ALLOWALL",
    "X-Content-Type-Options": "off",
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Speculation-Rules": '"/rules"',
}
KEPT = {"Link": "</next>; rel=next", "ETag": '"7"', "X-Model": "a", "Cache-Control": "private", "Location": "/x"}
PAGE = b"<script>fetch('/ml/v1/history/')</script>"
Ask = Callable[[Client], Any]
PROMOTE = "/ml/v1/models/m/versions/1/promote/"
ASKS: dict[str, Ask] = {
    "predict": predict,
    "predict with a key": predict_with_key,
    "status": lambda gateway: gateway.get("/ml/v1/status/"),
    "model-info": lambda gateway: gateway.get("/ml/v1/model-info/"),
    "models": lambda gateway: gateway.get("/ml/v1/models/"),
    "retrain": lambda gateway: gateway.post("/ml/v1/retrain/", {}, content_type="application/json"),
    "promote": lambda gateway: gateway.post(PROMOTE, {"reason": "better"}, content_type="application/json"),
}


@pytest.fixture(autouse=True)
def _policies(model: ScriptedModel) -> None:
    fields = {"Content-Type": "text/html", **POLICIES, **KEPT}
    head = "".join(f"{name}: {value}\r\n" * 2 for name, value in fields.items()).encode()

    def script(conversation: Conversation) -> None:
        conversation.answer(PAGE if conversation.line.startswith("GET") else b'{"a": 1}', head=head)

    model.script = script


@pytest.mark.parametrize("ask", ASKS)
def test_its_policies_for_the_origin_are_dropped(gateway: Client, ask: str) -> None:
    for _ in range(2):  # a kept answer of an Idempotency-Key too
        response = ASKS[ask](gateway)
        assert response.status_code == 200
        sent = [(name.lower(), value) for name, value in response.items()]
        assert not [field for field in sent if field[1] in POLICIES.values()]
        assert not response.cookies
        assert [value for name, value in sent if name == "content-security-policy"] == [FOREIGN]
        assert [value for name, value in sent if name == "x-content-type-options"] == ["nosniff"]
        assert [value for name, value in sent if name == "x-frame-options"] == ["DENY"]
        for name, value in KEPT.items():
            assert sent.count((name.lower(), value)) == 2, name


def test_its_page_gets_no_rights_on_the_gateways_origin(gateway: Client) -> None:
    response = gateway.get("/ml/v1/status/")
    assert (response.content, response["Content-Type"]) == (PAGE, "text/html")
    directives = response["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox"} < set(directives)
