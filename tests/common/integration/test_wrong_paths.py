"""Wrong paths and methods: a 404 or 405 as a problem, whatever the credentials, and never a page about CSRF."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLResolver, get_resolver
from pytest_django import Settings

from tests.support.gateway import assert_problem

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]
JOB = "/ml/v1/retrain/jobs/00000000-0000-7000-8000-000000000000/"
CREDENTIALS: list[dict[str, Any]] = [
    {},
    {"HTTP_AUTHORIZATION": "Basic bm9ib2R5Ong="},
    {"HTTP_AUTHORIZATION": "Bearer unknown"},
]
MEANT = {
    "/ml/v1/predict": "/ml/v1/predict/",
    f"{JOB}cancel": f"{JOB}cancel/",
    "/ML/v1/Status": "/ml/v1/status/",
    "/ml/v1//history/": "/ml/v1/history/",
    "/healthz/": "/healthz",
    "/api/docs//": "/api/docs/",
}
UNKNOWN = ["/ml/v1/nowhere/", "/ml/v1/nowhere", "/ddp/nowhere", "/llm/x", "/ai/x/", "/api/x", "/nowhere"]
PAGES_FOR_PEOPLE = ("/admin/", "/accounts/", "/reception/")  # they lead to the sign-in page, and answer in HTML
SAMPLES = {"id": "00000000-0000-7000-8000-000000000000", "str": "x"}


@pytest.fixture
def strict(gateway: Client, settings: Settings) -> Client:
    settings.API_AUTH = "required"
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def paths(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    """Every path of the URL configuration outside the pages for people, with samples in place of parameters."""
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if route.startswith(PAGES_FOR_PEOPLE):
            continue
        if isinstance(entry, URLResolver):
            yield from paths(entry, route)
        elif "^" not in route:
            for kind, sample in SAMPLES.items():
                name = next(iter(entry.pattern.converters), "")
                route = route.replace(f"<{kind}:{name}>", sample)
            yield route.replace("<id:job_id>", SAMPLES["id"])


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("fields", CREDENTIALS)
def test_it_names_the_path_that_was_meant(strict: Client, method: str, fields: dict[str, Any]) -> None:
    for path, meant in MEANT.items():
        found = assert_problem(strict.generic(method, path, **fields), 404, "unknown-path")
        assert found["detail"].endswith(f"Did you mean {meant}?"), path


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("fields", CREDENTIALS)
def test_an_unknown_path_is_a_404(strict: Client, method: str, fields: dict[str, Any]) -> None:
    for path in UNKNOWN:
        found = assert_problem(strict.generic(method, path, **fields), 404, "unknown-path")
        assert "Did you mean" not in found["detail"], path


@pytest.mark.parametrize(
    "path", ["/ml/v1/status/", "/ml/v1/model-info/", "/healthz", "/metrics", "/api/docs", "/admin"]
)
def test_a_wrong_method_is_a_405(strict: Client, path: str) -> None:
    for method in UNSAFE:
        for fields in CREDENTIALS:
            assert_problem(strict.generic(method, path, **fields), 405, "wrong-method")


def test_no_path_of_a_program_answers_with_a_page_about_csrf(strict: Client) -> None:
    found = [path for path in paths(get_resolver()) if path != "/"]
    assert len(found) > 20
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(User.objects.create_user("dr-kim"))
    for path in found:
        for method in UNSAFE:
            for client, fields in [*((strict, fields) for fields in CREDENTIALS), (browser, {})]:
                response = client.generic(method, path, **fields)
                assert response["Content-Type"] == "application/problem+json", (method, path, response.content)


@pytest.mark.parametrize("method", [*UNSAFE, "GET", "OPTIONS"])
@pytest.mark.parametrize("is_debug", [True, False])
def test_a_foreign_host_gets_a_problem_on_every_path_of_a_program(
    strict: Client, settings: Settings, method: str, is_debug: bool
) -> None:
    settings.DEBUG = is_debug
    for path in ("/api/schema/", "/api/docs/", "/ml/v1/status/", "/ddp/db"):
        assert_problem(strict.generic(method, path, HTTP_HOST="evil.example"), 400, "bad-input")


def test_probes_and_scrapers_may_use_any_host(strict: Client) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        for host in ("10.1.2.3:8000", "web:8000", "evil.example"):
            assert strict.get(path, HTTP_HOST=host).status_code == 200


def test_the_options_of_the_docs_are_a_405(strict: Client) -> None:
    response = strict.options("/api/docs/")
    assert_problem(response, 405, "wrong-method")
    assert response["Allow"] == "GET, HEAD"


def test_no_path_answers_options_with_an_error_of_the_server(strict: Client) -> None:
    found = [*paths(get_resolver()), "/", "/admin/", "/accounts/login/", "/accounts/tokens/", "/reception/"]
    browser = Client(raise_request_exception=False)
    browser.force_login(User.objects.create_superuser("dr-kim"))
    for path in found:
        for client, fields in [*((strict, fields) for fields in CREDENTIALS), (browser, {})]:
            response = client.options(path, **fields)
            assert response.status_code < 500, (path, response.content)
