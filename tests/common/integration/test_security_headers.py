"""Policies for browsers: a strict content security policy on everything, HSTS over TLS outside DEBUG."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from common.content_security_policy import DATA, PAGE
from tests.support.gateway import predict

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PAGES = [
    "/",
    "/admin/login/",
    "/admin/",
    "/admin/ml_proxy/inferencelog/",
    "/accounts/login/",
    "/accounts/tokens/",
    "/reception/",
    "/api/docs/",
]
DATA_PATHS = ["/healthz", "/readyz", "/metrics", "/api/schema/", "/ml/v1/history/", "/nowhere", "/ml/v1/accuracy/"]


@pytest.fixture
def signed_in(gateway: Client) -> Client:
    gateway.force_login(User.objects.create_superuser("dr-kim"))
    return gateway


def directives(response: Any) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


def page_at(signed_in: Client, path: str) -> Any:
    """The page; a page for signing in is a redirect to who is signed in."""
    response = (Client() if path.endswith("/login/") else signed_in).get(path)
    assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
    return response


@pytest.mark.parametrize("path", PAGES)
def test_every_page_runs_only_files_of_its_own_origin(signed_in: Client, path: str) -> None:
    policy = directives(page_at(signed_in, path))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert re.fullmatch(r"'self'( 'nonce-[\w-]{22}')?" if path == "/" else "'self'", policy["style-src"])
    assert not re.search(r"unsafe|https?:|\*", " ".join(policy.values()))


def test_each_answer_of_the_console_has_a_nonce_of_its_own(signed_in: Client) -> None:
    assert directives(signed_in.get("/"))["style-src"] != directives(signed_in.get("/"))["style-src"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_anything_inline(signed_in: Client, path: str) -> None:
    html = page_at(signed_in, path).content.decode()
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL)
    assert all("src=" in attributes or 'type="application/json"' in attributes for attributes, _ in scripts)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)


@pytest.mark.parametrize("path", DATA_PATHS)
def test_data_may_load_nothing(gateway: Client, path: str) -> None:
    assert gateway.get(path)["Content-Security-Policy"] == DATA


def test_the_policy_follows_what_a_response_is_not_its_path(gateway: Client) -> None:
    assert gateway.get("/admin/login/")["Content-Security-Policy"] == PAGE
    assert gateway.get("/nowhere")["Content-Security-Policy"] == DATA


def test_an_unknown_page_for_people_is_data(signed_in: Client) -> None:
    for path in ("/admin/nowhere/", "/accounts/nowhere/", "/reception/nowhere/"):
        response = signed_in.get(path, HTTP_ACCEPT="text/html")
        assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
        assert response["Content-Security-Policy"] == DATA


@pytest.fixture
def production(settings: Settings) -> None:
    settings.DEBUG, settings.SECURE_HSTS_SECONDS = False, 31_536_000
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("path", ["/healthz", "/admin/login/", "/nowhere"])
def test_browsers_stay_on_tls_where_it_is_in_front(gateway: Client, path: str) -> None:
    fresh = Client(raise_request_exception=False)
    assert fresh.get(path, HTTP_X_FORWARDED_PROTO="https")["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in fresh.get(path)
    assert "Strict-Transport-Security" not in fresh.get(path, HTTP_X_FORWARDED_PROTO="http")


def test_no_response_tells_a_page_more_than_it_needs(gateway: Client) -> None:
    response = predict(gateway)
    assert response["Referrer-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]
