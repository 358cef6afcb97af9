"""`/metrics`, `/readyz` in detail and the API's description: who may read them in production."""

import base64
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from tests.support.gateway import assert_problem
from tests.support.settings_process import SERVER, run_with_settings

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

TOKEN = "m" * 32
CLOSED = ["/metrics", "/api/docs/", "/api/docs/?script=", "/api/schema/"]
BEARER: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def _production(gateway: Client, settings: Settings) -> None:
    settings.API_AUTH, settings.OPEN_PATHS, settings.MONITORING_TOKEN = "required", frozenset(), TOKEN


def is_open(gateway: Client, path: str, **fields: Any) -> bool:
    response = gateway.get(path, **fields)
    if path == "/readyz":
        return "parts" in response.json()
    assert response.status_code in {200, 401, 403}, path
    return bool(response.status_code == 200)


def test_by_default_they_are_closed_and_probes_are_answered(gateway: Client) -> None:
    for path in CLOSED:
        assert_problem(gateway.get(path), 401, "not-signed-in")
        assert gateway.head(path).status_code == 401
    assert gateway.get("/healthz").json() == {"status": "alive"}
    ready = gateway.get("/readyz")
    assert ready.json() == {"status": "degraded"}
    assert ready.status_code == 200


@pytest.mark.parametrize(
    "sent", [f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", "Bearer", f"Basic {TOKEN}", "Bearer \u00e9", f"Bearer{TOKEN}"]
)
def test_a_wrong_token_opens_nothing(gateway: Client, sent: str) -> None:
    for path in [*CLOSED, "/readyz"]:
        assert not is_open(gateway, path, HTTP_AUTHORIZATION=sent)


def test_the_token_of_monitoring_opens_them(gateway: Client, settings: Settings) -> None:
    assert all(is_open(gateway, path, **BEARER) for path in [*CLOSED, "/readyz"])
    settings.MONITORING_TOKEN = ""
    for sent in (f"Bearer {TOKEN}", "Bearer ", "Bearer"):
        assert not any(is_open(gateway, path, HTTP_AUTHORIZATION=sent) for path in [*CLOSED, "/readyz"])


@pytest.mark.parametrize(
    ("network", "address", "expected"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("fd00::/8", "fd00::1", True),
        ("10.0.0.0/8", "fd00::1", False),
        ("10.0.0.0/8", "", False),
        ("127.0.0.0/8", "127.0.0.1", True),
    ],
)
def test_a_network_of_monitoring_opens_them(
    gateway: Client, settings: Settings, network: str, address: str, expected: bool
) -> None:
    settings.MONITORING_NETWORKS = [network]
    assert {is_open(gateway, path, REMOTE_ADDR=address) for path in [*CLOSED, "/readyz"]} == {expected}


def test_what_came_through_a_proxy_has_the_address_of_its_sender(gateway: Client, settings: Settings) -> None:
    settings.MONITORING_NETWORKS = ["127.0.0.0/8", "10.0.0.0/8"]
    proxied: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "10.1.1.1, 192.0.2.1"}
    assert not is_open(gateway, "/metrics", **proxied)
    settings.TRUST_PROXY = True
    assert not is_open(gateway, "/metrics", **proxied)
    assert is_open(gateway, "/metrics", **proxied | {"HTTP_X_FORWARDED_FOR": "192.0.2.1, 10.1.1.1"})


def test_users_need_the_permission_for_metrics_and_none_for_the_docs(gateway: Client) -> None:
    user = User.objects.create_user("operator", password="correct horse")
    basic: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Basic {base64.b64encode(b'operator:correct horse').decode()}"}
    assert is_open(gateway, "/api/docs/", **basic)
    assert_problem(gateway.get("/metrics", **basic), 403, "not-allowed")
    assert not is_open(gateway, "/readyz", **basic)
    user.user_permissions.add(Permission.objects.get(codename="view_metrics"))
    assert is_open(gateway, "/metrics", **basic)
    assert is_open(gateway, "/readyz", **basic)


@pytest.mark.parametrize("name", ["readyz", "metrics", "docs"])
def test_a_setting_opens_each(gateway: Client, settings: Settings, name: str) -> None:
    settings.OPEN_PATHS = {name}
    of_name = {"readyz": ["/readyz"], "metrics": ["/metrics"], "docs": ["/api/docs/", "/api/schema/"]}
    for each, paths in of_name.items():
        assert {is_open(gateway, path) for path in paths} == {each == name}


def test_they_are_open_on_ones_own_machine_only(tmp_path: Path) -> None:
    code = "from backend.settings import OPEN_PATHS; print(sorted(OPEN_PATHS))"
    assert run_with_settings(tmp_path, code, DEBUG="1").stdout == "['docs', 'metrics', 'readyz']\n"
    assert run_with_settings(tmp_path, code, **SERVER).stdout == "[]\n"
    assert run_with_settings(tmp_path, code, **SERVER, OPEN_PATHS="readyz, docs").stdout == "['docs', 'readyz']\n"
    assert run_with_settings(tmp_path, code, DEBUG="1", OPEN_PATHS="none").stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "value"), [("OPEN_PATHS", "healthz"), ("MONITORING_NETWORKS", "10.0.0.1/8"), ("MONITORING_TOKEN", "short")]
)
def test_a_setting_that_cannot_be_used_stops_the_start(tmp_path: Path, name: str, value: str) -> None:
    done = run_with_settings(tmp_path, **SERVER, **{name: value})
    assert done.returncode != 0
    assert done.stderr.startswith(f"ml-proxy: {name} ")
    assert "Traceback" not in done.stderr
