"""Opens the connection for one call-back: the name is looked up once, and what was checked is what is connected to.

A name that is looked up again between check and connection could lead elsewhere by then (DNS rebinding).
"""

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from django.conf import settings

from jobs.webhooks.addresses import is_public
from jobs.webhooks.hosts import Destination, NotAllowed
from ml_proxy.upstream import deadline

CONNECT_SECONDS = 3.0  # for one address, so that there is time for another
MOST_ADDRESSES = 4


class Network:
    """The system's resolver and TCP; a seam, so that a test can have names and addresses of its own."""

    def addresses(self, host: str, port: int, seconds: float) -> list[str]:
        """What `host` resolves to, in the system's order. Raises `OSError`, `TimeoutError` after `seconds`."""
        found: Future[list[str]] = Future()
        # The system's resolver knows no deadline: a thread of its own may outlive this wait, by a resolver's patience.
        threading.Thread(target=_look_up, args=(host, port, found), daemon=True).start()
        return found.result(seconds)

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        """A TCP connection to an IP address. Raises `OSError`."""
        return socket.create_connection((address, port), seconds)


INTERNET = Network()


def open_socket(destination: Destination, network: Network, granted: deadline.Budget) -> socket.socket:
    """A connection to `destination`, held to the current budget, its certificate checked against the host's name.

    Raises `NotAllowed` where the name leads inside, or `OSError`.
    """
    addresses = _permitted(network.addresses(destination.host, destination.port, granted.left()))
    opened = _first_open(addresses, destination.port, network, granted)
    if destination.scheme == "http":
        return deadline.BudgetedSocket.adopt(opened)
    return deadline.tls_context().wrap_socket(opened, server_hostname=destination.host)


def _permitted(addresses: Sequence[str]) -> list[str]:
    permitted = [address for address in addresses if settings.CALLBACK_ALLOW_PRIVATE or is_public(address)]
    if not permitted:
        raise NotAllowed("names a host whose address is private")
    return permitted[:MOST_ADDRESSES]


def _first_open(addresses: Sequence[str], port: int, network: Network, granted: deadline.Budget) -> socket.socket:
    *others, last = addresses
    for address in others:
        try:
            return network.connect(address, port, min(CONNECT_SECONDS, granted.left()))
        except OSError:
            continue
    return network.connect(last, port, min(CONNECT_SECONDS, granted.left()))


def _look_up(host: str, port: int, found: "Future[list[str]]") -> None:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as exc:
        found.set_exception(exc)
    else:
        found.set_result([str(address[0]) for *_, address in answers])
