"""Every path goes through the same middleware, authentication and error handling."""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import got_request_exception, request_finished, request_started
from django.test import Client
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RoutePattern
from pytest_django import Settings

from common.fixed_paths import FixedPaths
from jobs import queries
from ml_proxy import history
from ml_proxy.views import predict as predict_module
from tests.support.gateway import BODY, assert_problem
from tests.support.model import ScriptedModel
from tests.support.system import ROOT
from tests.support.third_party import Witness
from tests.support.wsgi import Answered, ask

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

THIRD_PARTY = "tests.support.third_party."
NO_SUCH = "00000000-0000-7000-8000-000000000000"
TOKEN = "a" * 32
PREDICT, HISTORY, JOBS = "/ml/v1/predict/", "/ml/v1/history/", "/ml/v1/retrain/jobs/"
API = [
    ("POST", PREDICT),
    ("GET", "/ml/v1/status/"),
    ("GET", "/ml/v1/model-info/"),
    ("GET", HISTORY),
    ("GET", f"{HISTORY}{NO_SUCH}/"),
    ("POST", f"{HISTORY}{NO_SUCH}/feedback/"),
    ("GET", "/ml/v1/accuracy/"),
    ("GET", "/ml/v1/dataset/"),
    ("GET", "/ml/v1/files/x/"),
    ("POST", "/ml/v1/retrain/"),
    ("GET", JOBS),
    ("POST", f"{JOBS}{NO_SUCH}/cancel/"),
]
PAGES = [("GET", path) for path in ("/", "/admin/login/", "/api/docs/", "/healthz", "/readyz", "/metrics", "/nowhere")]
DIFFER_EACH_TIME = {"X-Inference-ID", "Content-Length", "Content-Disposition", "Expires"}  # ids, sizes, times
NOT_DJANGOS = {"Content-Security-Policy", "Permissions-Policy"}
EVERYWHERE = [*API, *PAGES]
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
DJANGOS_OWN = [
    "django.middleware.security.SecurityMiddleware",
    "common.middleware.ExchangeMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "common.origin_middleware.OriginMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


@pytest.fixture
def signals() -> Iterator[list[str]]:
    """Records Django's request signals."""
    found: list[str] = []

    def started(**_: Any) -> None:
        found.append("started")

    def finished(**_: Any) -> None:
        found.append("finished")

    def failed(**_: Any) -> None:
        found.append(sys.exc_info()[0].__name__ if sys.exc_info()[0] else "nothing")  # type: ignore[union-attr]

    heard = {request_started: started, request_finished: finished, got_request_exception: failed}
    for signal, receiver in heard.items():
        signal.connect(receiver)
    yield found
    for signal, receiver in heard.items():
        signal.disconnect(receiver)


@pytest.fixture
def witness(settings: Settings) -> type[Witness]:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{THIRD_PARTY}Witness"]
    Witness.seen.clear()
    Witness.requests.clear()
    return Witness


def send(gateway: Client, method: str, path: str, **fields: Any) -> Any:
    body = json.dumps(BODY) if method == "POST" else ""
    return gateway.generic(method, path, body, content_type="application/json", **fields)


@pytest.mark.parametrize("position", ["first", "last"])
def test_a_middleware_that_refuses_everything_refuses_every_path(
    gateway: Client, settings: Settings, model: ScriptedModel, position: str
) -> None:
    added = [f"{THIRD_PARTY}RefuseAll"]
    settings.MIDDLEWARE = added + settings.MIDDLEWARE if position == "first" else settings.MIDDLEWARE + added
    for method, path in EVERYWHERE:
        response = send(gateway, method, path)
        assert (response.status_code, response.content) == (418, b"refused"), path
    assert not model.requests


def test_the_hooks_of_a_middleware_run_on_every_view(gateway: Client, witness: type[Witness]) -> None:
    for method, path in (("POST", PREDICT), ("GET", "/ml/v1/status/"), ("GET", HISTORY), ("GET", JOBS)):
        send(gateway, method, path)
    assert witness.seen == ["predict", "200", "status", "200", "history", "200", "retrain-jobs", "200"]
    witness.seen.clear()
    gateway.generic("POST", PREDICT, "{", content_type="application/json")
    assert witness.seen == ["predict", "BadInput", "400"]


def test_django_sends_its_request_signals(gateway: Client, signals: list[str]) -> None:
    for method, path in EVERYWHERE:
        b"".join(send(gateway, method, path))  # a streamed response ends when it is read
        assert signals == ["started", "finished"], path
        signals.clear()


VIEWS = {
    ("POST", PREDICT): (predict_module, "predict"),
    ("GET", HISTORY): (history, "page"),
    ("GET", JOBS): (queries, "page"),
}


def test_an_exception_in_any_kind_of_view_is_a_problem_and_is_reported_once(
    gateway: Client, signals: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("on purpose")

    for (method, path), (module, name) in VIEWS.items():
        monkeypatch.setattr(module, name, fail)
        found = assert_problem(send(gateway, method, path), 500, "internal")
        assert "on purpose" not in json.dumps(found)
        assert signals == ["started", "KeyError", "finished"], path
        signals.clear()


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
def test_every_response_has_the_security_headers(gateway: Client, method: str, path: str) -> None:
    for asked, more in ((method, {}), ("BREW", {}), (method, {"HTTP_HOST": "evil.example"})):
        response = send(gateway, asked, path, **more)
        assert {name: response.get(name) for name in SECURITY} == SECURITY
        assert response["X-Request-ID"]
        assert path == "/ml/v1/dataset/" or response["Content-Length"] == str(len(response.content))


@pytest.mark.parametrize(("method", "path"), API)
def test_every_answer_of_the_api_varies_by_origin(gateway: Client, method: str, path: str) -> None:
    for fields in ({}, {"HTTP_ORIGIN": "https://clinic.example"}):
        assert "origin" in send(gateway, method, path, **fields)["Vary"].lower()


@pytest.mark.parametrize(("method", "path"), API)
def test_head_is_get_without_effects_and_options_reach_no_model(
    gateway: Client, model: ScriptedModel, method: str, path: str
) -> None:
    options = gateway.options(path)
    assert options.status_code in {200, 405}
    assert method in options["Allow"]
    assert not model.requests
    head, get = gateway.head(path), gateway.get(path)
    assert (head.status_code, b"".join(head)) == (get.status_code, b"")
    assert head["Content-Type"] == get["Content-Type"]


@pytest.mark.parametrize("path", [path for method, path in API if method == "POST"] + [JOBS])
def test_a_session_needs_its_csrf_token_on_every_path_that_changes_something(
    gateway: Client, settings: Settings, empty_redis: str, path: str
) -> None:
    settings.API_AUTH, settings.REDIS_URL = "required", empty_redis
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(User.objects.create_superuser("dr-kim"))
    assert "CSRF" in assert_problem(send(browser, "POST", path), 403, "not-allowed")["detail"]
    browser.cookies["csrftoken"] = TOKEN
    assert send(browser, "POST", path, HTTP_X_CSRFTOKEN=TOKEN).status_code not in {401, 403, 500}


@pytest.mark.parametrize(("method", "path"), API)
def test_every_path_of_the_api_authenticates(gateway: Client, settings: Settings, method: str, path: str) -> None:
    settings.API_AUTH = "required"
    for fields in ({}, {"HTTP_AUTHORIZATION": "Basic bm9ib2R5Ong="}):
        response = send(gateway, method, path, **fields)
        assert_problem(response, 401, "not-signed-in")
        assert response["WWW-Authenticate"].startswith("Bearer realm=")


@pytest.mark.parametrize("path", [path for _, path in EVERYWHERE] + ["/static/nowhere.js"])
def test_the_faster_middleware_answers_as_djangos_own(gateway: Client, settings: Settings, path: str) -> None:
    def answers() -> list[tuple[int, dict[str, str]]]:
        fresh, found = Client(raise_request_exception=False), []
        for method in ("GET", "OPTIONS") if path == JOBS else ("GET", "OPTIONS", "POST"):  # a second job is a conflict
            for fields in ({}, {"HTTP_ORIGIN": "https://clinic.example"}, {"HTTP_COOKIE": "sessionid=unknown"}):
                response = send(fresh, method, path, HTTP_X_REQUEST_ID="same", **fields)
                kept = {name: value for name, value in response.items() if name not in DIFFER_EACH_TIME | NOT_DJANGOS}
                found.append((response.status_code, kept | {f"cookie {name}": "" for name in response.cookies}))
        return found

    settings.CORS_ALLOWED_ORIGINS = ["https://clinic.example"]
    own = answers()
    settings.MIDDLEWARE = DJANGOS_OWN
    assert own == answers()


@pytest.mark.django_db(transaction=True)
def test_a_request_is_freed_when_it_ends(gateway: Client, witness: type[Witness]) -> None:
    handler = WSGIHandler()
    gc.disable()
    try:
        for method, path in (("POST", PREDICT), ("GET", "/ml/v1/status/"), ("GET", HISTORY), ("GET", "/healthz")):
            body = json.dumps(BODY).encode() if method == "POST" else b""
            answered: Answered = ask(handler, method, path, body, HTTP_HOST="testserver")
            assert answered.status == "200 OK"
            assert witness.requests.pop()() is None, path
    finally:
        gc.enable()


def test_cached_paths_resolve_as_in_django() -> None:
    remembering, plain = FixedPaths("ml/v1/", "ml_proxy.urls"), URLResolver(RoutePattern("ml/v1/"), "ml_proxy.urls")
    for path in [path.removeprefix("/") for _, path in API] * 2:
        found, expected = remembering.resolve(path), plain.resolve(path)
        assert (found.func, found.view_name, found.route, found.kwargs) == (
            expected.func,
            expected.view_name,
            expected.route,
            expected.kwargs,
        )
    for number in range(10):
        remembering.resolve(f"ml/v1/files/{number}/")
        with pytest.raises(Resolver404):
            remembering.resolve(f"ml/v1/nowhere/{number}/")
    assert set(remembering._found) == {path.removeprefix("/") for _, path in API if "0" not in path and "x" not in path}


def run(name: str, model: ScriptedModel, folder: Path, **variables: str) -> Any:
    """The output of `tests.support.instrumented`."""
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "backend.settings",
        "DEBUG": "1",
        "VAR_DIR": str(folder),
        "ML_SERVER_URL": model.url,
        **variables,
    }
    command = [sys.executable, "-m", "tests.support.instrumented", name]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_opentelemetrys_django_instrumentation_sees_predictions(model: ScriptedModel, tmp_path: Path) -> None:
    found = run("opentelemetry", model, tmp_path)
    assert [(name, told["http.route"], told["http.status_code"]) for name, told in found] == [
        ("POST ml/v1/predict/", "ml/v1/predict/", 200),
        ("POST ml/v1/predict/", "ml/v1/predict/", 400),
        ("GET ml/v1/status/", "ml/v1/status/", 200),
    ]


def test_sentrys_django_integration_sees_predictions_and_their_exceptions(model: ScriptedModel, tmp_path: Path) -> None:
    found = run("sentry", model, tmp_path)
    assert [(one["kind"], one["transaction"], one["exceptions"]) for one in found] == [
        ("transaction", PREDICT, []),
        ("event", PREDICT, ["KeyError"]),
        ("transaction", PREDICT, []),
    ]
    assert [one["status"] for one in found if one["kind"] == "transaction"] == [200, 500]


def test_an_authentication_class_of_the_settings_serves_every_kind_of_view(
    model: ScriptedModel, tmp_path: Path
) -> None:
    """The database has no tables here, so paths that read rows answer 503 to admitted callers."""
    variables = {"DJANGO_SETTINGS_MODULE": "tests.support.token_settings", "API_AUTH": "required"}
    assert run("token", model, tmp_path, **variables) == {
        PREDICT: ["200", "401", "401"],
        "/ml/v1/status/": ["200", "401", "401"],
        HISTORY: ["503", "401", "401"],
        JOBS: ["503", "401", "401"],
    }
