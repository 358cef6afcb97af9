"""Requests from browsers on other origins (CORS)."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.gateway import predict
from tests.support.model import ScriptedModel

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

FRONT_END, STRANGER = "https://clinic.example", "https://clinic.example.evil.example"
EXPOSED = {"x-inference-id", "x-request-id", "link", "location", "retry-after"}
PATHS = ["predict/", "status/", "model-info/", "retrain/", "retrain/jobs/", "history/"]


@pytest.fixture(autouse=True)
def _origins(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [FRONT_END]


def preflight(gateway: Client, path: str, origin: str = FRONT_END, **fields: str) -> Any:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", **fields}
    return gateway.options(f"/ml/v1/{path}", headers=headers)


def words(response: Any, name: str) -> set[str]:
    return {word.strip().lower() for word in response[name].split(",")}


@pytest.mark.parametrize("path", PATHS)
def test_it_answers_a_preflight(gateway: Client, model: ScriptedModel, path: str) -> None:
    asked = {"content-type", "idempotency-key", "x-request-id", "prefer", "authorization"}
    response = preflight(gateway, path, **{"Access-Control-Request-Headers": ", ".join(sorted(asked))})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (200, FRONT_END)
    assert words(response, "Access-Control-Allow-Headers") >= asked
    assert words(response, "Access-Control-Allow-Methods") >= {"get", "post", "put", "delete"}
    assert "origin" in words(response, "Vary")
    assert not model.requests


def test_it_exposes_the_response_headers_that_a_front_end_needs(gateway: Client) -> None:
    response = predict(gateway, headers={"Origin": FRONT_END})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (200, FRONT_END)
    assert words(response, "Access-Control-Expose-Headers") == EXPOSED
    assert response["X-Inference-ID"]
    assert response["X-Request-ID"]
    assert "origin" in words(response, "Vary")


@pytest.mark.parametrize("origin", [STRANGER, "http://clinic.example", "https://clinic.example:8443", "null"])
@pytest.mark.parametrize("path", PATHS)
def test_it_sends_no_cors_headers_to_other_origins(gateway: Client, path: str, origin: str) -> None:
    for response in (preflight(gateway, path, origin), gateway.get(f"/ml/v1/{path}", headers={"Origin": origin})):
        assert "Access-Control-Allow-Origin" not in response
        assert "Access-Control-Expose-Headers" not in response
    assert "origin" in words(response, "Vary")


def test_it_allows_no_origin_by_default(gateway: Client, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = []
    assert "Access-Control-Allow-Origin" not in preflight(gateway, "predict/")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "history/?docter=x", 400),
        ("get", "nowhere/", 404),
        ("get", "history/x/", 404),
        ("get", "predict/", 405),
        ("post", "predict/", 400),
        ("put", "history/", 405),
    ],
)
def test_it_lets_the_browser_read_errors(gateway: Client, method: str, path: str, status: int) -> None:
    ask = getattr(gateway, method)
    response = ask(f"/ml/v1/{path}", content_type="application/json", headers={"Origin": FRONT_END})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (status, FRONT_END)
    assert words(response, "Access-Control-Expose-Headers") == EXPOSED


def test_it_lets_the_browser_read_that_it_must_sign_in(gateway: Client, settings: Settings) -> None:
    settings.API_AUTH = "required"
    for response in (
        predict(gateway, headers={"Origin": FRONT_END}),
        gateway.get("/ml/v1/history/", headers={"Origin": FRONT_END}),
    ):
        assert (response.status_code, response["Access-Control-Allow-Origin"]) == (401, FRONT_END)
    assert preflight(gateway, "predict/").status_code == 200


def test_it_lets_the_browser_read_the_models_own_errors(gateway: Client, model: ScriptedModel) -> None:
    head = b"Content-Type: application/json\r\nAccess-Control-Allow-Origin: *\r\n"
    model.script = lambda conversation: conversation.answer(b"{}", status="422 No", head=head)
    response = predict(gateway, headers={"Origin": FRONT_END})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (422, FRONT_END)
    assert [value for name, value in response.items() if name.lower() == "access-control-allow-origin"] == [FRONT_END]


def test_the_model_server_cannot_allow_other_origins(gateway: Client, model: ScriptedModel) -> None:
    head = b"Content-Type: application/json\r\nAccess-Control-Allow-Origin: *\r\n"
    model.script = lambda conversation: conversation.answer(head=head)
    for headers in ({"Origin": STRANGER}, {}):
        response = gateway.get("/ml/v1/status/", headers=headers)
        assert response.status_code == 200
        assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize("path", ["/admin/login/", "/healthz", "/api/schema/"])
def test_cors_is_for_the_api_only(gateway: Client, path: str) -> None:
    assert "Access-Control-Allow-Origin" not in gateway.get(path, headers={"Origin": FRONT_END})
