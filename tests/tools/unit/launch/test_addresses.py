import socket

import pytest
from pytest_django import Settings

from backend.env import BadSetting
from tests.support.network import free_port
from tools.launch import addresses, ports, system

ANYWHERE = "0.0.0.0"  # noqa: S104 - not bound


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        (ANYWHERE, "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("gateway.example", "http://gateway.example:8000"),
    ],
)
def test_it_says_how_this_machine_reaches_a_part(host: str, url: str, settings: Settings) -> None:
    settings.BIND_HOST, settings.GATEWAY_PORT = host, 8000
    assert addresses.url("web") == url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:pass@word@redis.example:6379/1", "redis://redis.example:6379/1"),
        ("rediss://redis.example/0?password=secret", "rediss://redis.example/0"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock"),
    ],
)
def test_it_shows_no_credential(url: str, shown: str) -> None:
    assert addresses.without_credentials(url) == shown


def test_it_shows_the_addresses_of_what_is_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWER_PORT", "5555")
    settings.GATEWAY_PORT = 8080
    settings.ML_SERVER_URL = "https://user:secret@models.example/v2"
    settings.REDIS_URL = "redis://:secret@redis.example:6379/0"
    assert system.ready_line() == (
        "ready http://127.0.0.1:8080 flower=http://127.0.0.1:5555 "
        "ml_server=https://models.example/v2 redis=redis://redis.example:6379/0"
    )


def test_it_leaves_out_the_parts_that_a_url_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("ML_SERVER_URL", "http://models.example")
    assert "redis" in system.parts()
    assert "ml_server" not in system.parts()


def test_it_accepts_ports_that_are_free(settings: Settings) -> None:
    settings.GATEWAY_PORT = free_port()
    ports.check_free(["web", "worker-logs"])
    ports.check_free(["web"])


def test_it_names_the_variable_of_a_port_that_is_taken(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings.GATEWAY_PORT = other.getsockname()[1]
        with pytest.raises(BadSetting, match=r"^GATEWAY_PORT .* set another GATEWAY_PORT$"):
            ports.check_free(["web"])


def test_it_sees_one_port_that_was_given_twice(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GATEWAY_PORT = free_port()
    monkeypatch.setenv("FLOWER_PORT", str(settings.GATEWAY_PORT))
    with pytest.raises(BadSetting, match=r"^FLOWER_PORT "):
        ports.check_free(["web", "flower"])


def test_it_names_an_address_that_is_not_this_machine_s(settings: Settings) -> None:
    settings.BIND_HOST = "no.such.host.invalid"
    with pytest.raises(BadSetting, match=r"^BIND_HOST "):
        ports.check_free(["web"])
