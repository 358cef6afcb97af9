"""Looks a name up and connects to what it names, all within one deadline.

The system's resolver and TCP keep a caller for as long as they like: a resolver for its own patience, a connection for
one timeout for each address. Here the look-up is waited for within the budget, and the addresses share what is left.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from ipaddress import ip_address

from common.outbound.deadline import Budget
from common.outbound.exceptions import AddressNotAllowed

MAX_ADDRESSES = 4

Permits = Callable[[str], bool]


class Network:
    """The system's resolver and TCP; a seam, so that a test can have names and addresses of its own."""

    def addresses(self, host: str, port: int, seconds: float) -> list[str]:
        """What `host` resolves to, in the system's order. Raises `OSError`, `TimeoutError` after `seconds`."""
        return [host] if _is_address(host) else _look_up(host, port).result(seconds)

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        """A TCP connection to an IP address. Raises `OSError`."""
        opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            opened.settimeout(seconds)
            opened.connect((address, port))
        except BaseException:
            opened.close()
            raise
        return opened


INTERNET = Network()


class Dialer:
    """Connects to hosts: the name is looked up once, and what was checked is what is connected to.

    A name that is looked up again between check and connection could lead elsewhere by then (DNS rebinding).
    """

    def __init__(self, network: Network = INTERNET, permits: Permits | None = None) -> None:
        """Connects only to addresses that `permits` passes; without it, to any."""
        self._network = network
        self._permits = permits

    def dial(self, host: str, port: int, granted: Budget) -> socket.socket:
        """A TCP connection. Raises `OSError`, `TimeoutError` among them, or `AddressNotAllowed`."""
        ends_at = time.monotonic() + min(granted.connect, granted.left())
        addresses = self._permitted(self._network.addresses(host, port, _left(ends_at)))
        for remaining in range(len(addresses), 1, -1):
            try:
                return self._network.connect(addresses[-remaining], port, _left(ends_at) / remaining)
            except OSError:
                continue
        return self._network.connect(addresses[-1], port, _left(ends_at))

    def _permitted(self, addresses: Sequence[str]) -> list[str]:
        permitted = [address for address in addresses if self._permits is None or self._permits(address)]
        if not permitted:
            raise AddressNotAllowed("the host's name leads to no address that may be called")
        return permitted[:MAX_ADDRESSES]


def _left(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for connecting is up")
    return left


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


_under_way: dict[tuple[str, int], Future[list[str]]] = {}
_lock = threading.Lock()


def _look_up(host: str, port: int) -> Future[list[str]]:
    """The look-up of a name that is under way, or a new one: a resolver that hangs holds one thread for each name."""
    with _lock:
        if (found := _under_way.get((host, port))) is None:
            found = _under_way[host, port] = Future()
            # The system's resolver knows no deadline: this thread may outlive every wait for it.
            threading.Thread(target=_resolve, args=(host, port, found), daemon=True).start()
        return found


def _resolve(host: str, port: int, found: Future[list[str]]) -> None:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except BaseException as exc:  # noqa: BLE001 - whoever waits gets it
        _forget(host, port)
        found.set_exception(exc)
    else:
        _forget(host, port)
        found.set_result(list(dict.fromkeys(str(address[0]) for *_, address in answers)))


def _forget(host: str, port: int) -> None:
    with _lock:
        _under_way.pop((host, port), None)


def _begin_anew() -> None:
    """In a forked child, where no look-up is under way, and nobody will give the lock back."""
    global _lock  # noqa: PLW0603 - one a process
    _lock = threading.Lock()
    _under_way.clear()


os.register_at_fork(after_in_child=_begin_anew)
