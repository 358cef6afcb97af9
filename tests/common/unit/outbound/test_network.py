"""Look-up and connecting share one deadline, and forbidden addresses are never connected to."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from common.outbound import network
from common.outbound.deadline import budget
from common.outbound.exceptions import AddressNotAllowed
from common.outbound.network import Dialer, Network
from tests.support.wait import until

TOTAL = 0.3  # seconds
LATEST = 10  # seconds; other limits here are 20


class Dead(Network):
    """A network in which no address responds."""

    def __init__(self, count: int) -> None:
        self.waits: list[float] = []
        self._count = count

    def addresses(self, host: str, port: int, seconds: float) -> list[str]:
        return [f"198.51.100.{number}" for number in range(self._count)]

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.waits.append(seconds)
        threading.Event().wait(seconds)
        raise TimeoutError


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_unreachable_addresses_share_the_time_to_connect(count: int) -> None:
    dead = Dead(count)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        Dialer(dead).dial("dead.example", 80, budget(20, connect=TOTAL))
    assert TOTAL * 0.9 <= time.monotonic() - started < LATEST
    assert len(dead.waits) == min(count, network.MAX_ADDRESSES)
    assert dead.waits[0] <= TOTAL / len(dead.waits) + 0.01


def test_connecting_is_part_of_the_total_deadline() -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        Dialer(Dead(2)).dial("dead.example", 80, budget(TOTAL, connect=20))
    assert time.monotonic() - started < LATEST


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A resolver that blocks until it is released; `asked` counts its calls."""

    class Resolver:
        asked = 0
        go_on = threading.Event()

        def __call__(self, host: str, port: int, **_: Any) -> Any:
            self.asked += 1
            self.go_on.wait(20)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))] * 2

    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.go_on.set()


def test_a_resolver_that_hangs_blocks_one_thread_per_name(hung: Any) -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError):
            network.INTERNET.addresses("hung.example", 80, 0.05)
    assert hung.asked == 1
    hung.go_on.set()
    until(lambda: not network._lookups)
    assert network.INTERNET.addresses("hung.example", 80, 10) == ["127.0.0.1"]
    assert hung.asked == 2


def test_an_address_is_not_looked_up(hung: Any) -> None:
    for address in ("127.0.0.1", "::1"):
        assert network.INTERNET.addresses(address, 80, 0.05) == [address]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        network.INTERNET.connect("127.0.0.1", listener.getsockname()[1], 10).close()
    assert hung.asked == 0


def test_an_unknown_name_fails_immediately(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "no such host")

    monkeypatch.setattr(socket, "getaddrinfo", refuses)
    with pytest.raises(socket.gaierror):
        network.INTERNET.addresses("none.example", 80, 10)
    assert not network._lookups


@pytest.mark.parametrize("permits", [lambda _: False, lambda address: address == "192.0.2.1"])
def test_it_never_connects_to_a_forbidden_address(permits: Callable[[str], bool]) -> None:
    dead = Dead(3)
    with pytest.raises(AddressNotAllowed):
        Dialer(dead, permits).dial("dead.example", 80, budget(TOTAL))
    assert dead.waits == []
