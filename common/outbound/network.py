"""Resolves a name and connects to one of its addresses, within one deadline.

The system's resolver has timeouts of its own, and a plain connect has one timeout per address. Here the look-up ends
within the budget, and the addresses share the time left.
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
    """The system's resolver and TCP. Tests replace it to define names and addresses of their own."""

    def addresses(self, host: str, port: int, seconds: float) -> list[str]:
        """The addresses of `host`, in the system's order. Raises `OSError`, `TimeoutError` after `seconds`."""
        return [host] if _is_address(host) else _look_up(host, port).result(seconds)

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        """A TCP connection to an IP address. Raises `OSError`."""
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.settimeout(seconds)
            sock.connect((address, port))
        except BaseException:
            sock.close()
            raise
        return sock


INTERNET = Network()


class Dialer:
    """Connects to hosts. It resolves the name once, and connects to the address that it checked.

    A second look-up between check and connection could return another address (DNS rebinding).
    """

    def __init__(self, network: Network = INTERNET, permits: Permits | None = None) -> None:
        """Connects only to addresses for which `permits` is true; without it, to any."""
        self._network = network
        self._permits = permits

    def dial(self, host: str, port: int, budget: Budget) -> socket.socket:
        """A TCP connection. Raises `OSError`, `TimeoutError` among them, or `AddressNotAllowed`."""
        ends_at = time.monotonic() + min(budget.connect, budget.left())
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
            raise AddressNotAllowed("the host's name has no permitted address")
        return permitted[:MAX_ADDRESSES]


def _left(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time to connect has passed")
    return left


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


_lookups: dict[tuple[str, int], Future[list[str]]] = {}
_lock = threading.Lock()


def _look_up(host: str, port: int) -> Future[list[str]]:
    """The running look-up of a name, or a new one. So a resolver that hangs blocks one thread per name."""
    with _lock:
        if (future := _lookups.get((host, port))) is None:
            future = _lookups[host, port] = Future()
            # The system's resolver has no deadline, so this thread may outlive all waits for it.
            threading.Thread(target=_resolve, args=(host, port, future), daemon=True).start()
        return future


def _resolve(host: str, port: int, future: Future[list[str]]) -> None:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except BaseException as exc:  # noqa: BLE001 - the waiting threads raise it
        _forget(host, port)
        future.set_exception(exc)
    else:
        _forget(host, port)
        future.set_result(list(dict.fromkeys(str(address[0]) for *_, address in answers)))


def _forget(host: str, port: int) -> None:
    with _lock:
        _lookups.pop((host, port), None)


def _reset_after_fork() -> None:
    """Resets a forked child: no look-up runs there, and no thread would release the lock."""
    global _lock  # noqa: PLW0603 - one a process
    _lock = threading.Lock()
    _lookups.clear()


os.register_at_fork(after_in_child=_reset_after_fork)
