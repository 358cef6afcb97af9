"""Pages of other origins can't act in the name of a browser's user, whatever the credentials that a browser adds."""

import base64
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.support.gateway import Journaled, assert_problem, predict
from tests.support.model import PREDICTION, ScriptedModel

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

OWN, FRONT_END, STRANGER = "http://testserver", "https://clinic.example", "https://evil.example"
FOREIGN: list[dict[str, Any]] = [
    {"HTTP_ORIGIN": STRANGER},
    {"HTTP_ORIGIN": "null"},
    {"HTTP_ORIGIN": ""},
    {"HTTP_ORIGIN": STRANGER, "HTTP_SEC_FETCH_SITE": "cross-site"},
    {"HTTP_ORIGIN": STRANGER, "HTTP_SEC_FETCH_SITE": "same-origin"},
    {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "same-origin"},
    {"HTTP_ORIGIN": f"{OWN}.evil.example"},
    {"HTTP_ORIGIN": f"{OWN}:8000"},
    {"HTTP_ORIGIN": "https://clinic.example.evil.example"},
    {"HTTP_ORIGIN": "https://testserver"},  # another scheme, and no word of the browser that it is the same
    {"HTTP_SEC_FETCH_SITE": "cross-site"},
    {"HTTP_SEC_FETCH_SITE": "same-site"},
    {"HTTP_SEC_FETCH_SITE": "anything"},
]
ALLOWED: list[dict[str, Any]] = [
    {},
    {"HTTP_ORIGIN": OWN},
    {"HTTP_ORIGIN": OWN, "HTTP_SEC_FETCH_SITE": "same-origin"},
    {"HTTP_ORIGIN": "https://testserver", "HTTP_SEC_FETCH_SITE": "same-origin"},  # behind a proxy that ends TLS
    {"HTTP_SEC_FETCH_SITE": "none"},
    {"HTTP_ORIGIN": FRONT_END, "HTTP_SEC_FETCH_SITE": "cross-site"},
    {"HTTP_ORIGIN": "https://forms.clinic.example", "HTTP_SEC_FETCH_SITE": "same-site"},
]
JOB = "/ml/v1/retrain/jobs/00000000-0000-7000-8000-000000000000/"
BASIC: dict[str, Any] = {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"dr-kim:correct horse").decode()}


@pytest.fixture(autouse=True)
def _origins(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [FRONT_END]
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.clinic.example"]


@pytest.fixture
def password(settings: Settings) -> dict[str, Any]:
    """A password that the browser keeps and adds by itself."""
    settings.API_AUTH = "required"
    User.objects.create_superuser("dr-kim", password="correct horse")
    return BASIC


@pytest.mark.parametrize("fields", FOREIGN)
@pytest.mark.parametrize("media", ["application/x-www-form-urlencoded", "text/plain", "application/json"])
def test_a_page_of_another_origin_reaches_nothing_in_open_mode(
    gateway: Client, model: ScriptedModel, journaled: Journaled, fields: dict[str, Any], media: str
) -> None:
    for path in ("predict/", "retrain/", "retrain/jobs/", "history/x/feedback/", "nowhere/"):
        response = gateway.generic("POST", f"/ml/v1/{path}", b"", content_type=media, **fields)
        assert_problem(response, 403, "cross-origin")
    assert (model.requests, journaled()) == ([], [])


@pytest.mark.parametrize("fields", FOREIGN)
def test_a_remembered_password_does_not_help_it(
    gateway: Client, model: ScriptedModel, password: dict[str, Any], fields: dict[str, Any]
) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("/ml/v1/predict/", "/ml/v1/retrain/", f"{JOB}cancel/", "/admin/", "/ddp/db"):
            assert_problem(gateway.generic(method, path, **password, **fields), 403, "cross-origin")
    assert model.requests == []


@pytest.mark.parametrize("fields", FOREIGN)
def test_a_session_does_not_help_it(gateway: Client, settings: Settings, fields: dict[str, Any]) -> None:
    settings.API_AUTH = "required"
    gateway.force_login(User.objects.create_superuser("dr-kim"))
    for path in ("/ml/v1/predict/", "/admin/logout/", "/admin/login/"):
        assert_problem(gateway.post(path, **fields), 403, "cross-origin")


@pytest.mark.parametrize("fields", ALLOWED)
def test_the_own_pages_allowed_pages_and_programs_are_served(
    gateway: Client, password: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert predict(gateway, **password, **fields).content == PREDICTION


@pytest.mark.parametrize("fields", FOREIGN)
def test_reading_is_left_to_cors(gateway: Client, fields: dict[str, Any]) -> None:
    response = gateway.get("/ml/v1/history/", **fields)
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response


BROWSERS: list[dict[str, Any]] = [
    {"HTTP_SEC_FETCH_SITE": "none"},
    {"HTTP_ORIGIN": OWN},
    {"HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"},
]


@pytest.mark.parametrize("fields", BROWSERS)
def test_no_browser_is_asked_for_a_password_to_keep(
    gateway: Client, settings: Settings, fields: dict[str, Any]
) -> None:
    settings.API_AUTH = "required"
    for path in ("/ml/v1/status/", "/ml/v1/history/", "/ml/v1/retrain/jobs/"):
        response = gateway.get(path, **fields)
        assert_problem(response, 401, "not-signed-in")
        assert response["WWW-Authenticate"] == 'Bearer realm="ML Proxy"'


@pytest.mark.parametrize("fields", BROWSERS)
def test_the_model_server_can_t_ask_for_one_either(
    gateway: Client, model: ScriptedModel, fields: dict[str, Any]
) -> None:
    head = b'WWW-Authenticate: Basic realm="clinic"\r\nWWW-Authenticate: Negotiate\r\n'
    model.script = lambda conversation: conversation.answer(b"no", status="401 No", head=head)
    response = gateway.get("/ml/v1/status/", **fields)
    assert (response.status_code, response.content) == (401, b"no")
    challenges = [value for name, value in response.items() if name.lower() == "www-authenticate"]
    assert challenges == ['Bearer realm="ML Proxy"']
