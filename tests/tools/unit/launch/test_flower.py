"""Flower's environment and its refusals; the Procfile tests check that it answers."""

import asyncio
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from backend.env import BadSetting
from common.redis_server import clients
from tests.acceptance.helpers.processes import bare_environment, running
from tools.launch.flower import command, environment
from tools.launch.flower_app import Queues

LOGIN = "FLOWER_BASIC_AUTH"
OPEN_API = "FLOWER_UNAUTHENTICATED_API"
ANYWHERE = "0.0.0.0"  # noqa: S104 - not bound


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (LOGIN, OPEN_API, "FLOWER_READ_ONLY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_on_loopback_it_needs_no_password_and_is_read_only(host: str, settings: Settings) -> None:
    settings.BIND_HOST = host
    assert (environment()[OPEN_API], environment()["FLOWER_READ_ONLY"]) == ("true", "true")


@pytest.mark.parametrize("host", [ANYWHERE, "::", "192.0.2.7", "clinic.example"])
def test_on_other_addresses_it_requires_a_password(
    host: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BIND_HOST = host
    monkeypatch.setenv(LOGIN, " ")
    with pytest.raises(BadSetting, match=f"^{LOGIN} is not set, with BIND_HOST={host}: set it to user:password$"):
        environment()


@pytest.mark.parametrize("host", ["127.0.0.1", ANYWHERE])
def test_it_uses_the_configured_password(host: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BIND_HOST = host
    monkeypatch.setenv(LOGIN, "eyes:only")
    assert environment()[LOGIN] == "eyes:only"
    assert OPEN_API not in environment()


def test_it_refuses_a_password_without_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOGIN, "secret")
    with pytest.raises(BadSetting) as caught:
        environment()
    assert "secret" not in str(caught.value)


def test_it_keeps_a_bounded_number_of_tasks() -> None:
    assert "--max_tasks=10000" in command()


def test_it_counts_messages_with_our_own_client(settings: Settings, empty_redis: str) -> None:
    settings.REDIS_URL = empty_redis
    with clients.connect(empty_redis, seconds=5) as connection:
        connection.rpush("logs", "a message", "another")
    assert asyncio.run(Queues().queues(["logs", "jobs"])) == [
        {"name": "logs", "messages": 2},
        {"name": "jobs", "messages": 0},
    ]


def test_a_service_link_of_kubernetes_is_not_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWER_PORT", "tcp://10.0.0.1:5555")
    assert "FLOWER_PORT" not in environment()
    assert "--port=5555" in command()


def test_it_ends_with_one_error_line(tmp_path: Path) -> None:
    overrides = {"VAR_DIR": str(tmp_path), "BIND_HOST": ANYWHERE}
    variables = bare_environment(DEBUG="1", API_AUTH="required", FLOWER_BASIC_AUTH="", **overrides)
    with running([sys.executable, "-m", "tools.launch.flower"], variables) as program:
        assert program.status() == 1
        assert (
            program.text
            == f"ml-proxy: FLOWER_BASIC_AUTH is not set, with BIND_HOST={ANYWHERE}: set it to user:password"
        )
