"""`requests`' own transport, with no more of ours than it takes to hold it to the budget.

It reads heads with Python's `http.client`, which takes for HTTP what the strict transport refuses: see ADR 10.
"""

import logging
import re
import socket
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util import Timeout as StockTimeout

from common.outbound import deadline
from common.outbound.connection import Option
from common.outbound.deadline import Budget, Timeout, budget_of
from common.outbound.exceptions import BadResponse, MappedStock
from common.outbound.network import Dialer

MOST_SERVERS = 8
MOST_KEPT = 512  # connections to one server: one that finds the pool full is thrown away after its use
MOST_DIGITS = 18  # of a length

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# They log URLs, query and all: of every request at level DEBUG, of a head that can't be read as a warning.
logging.getLogger("urllib3").setLevel(logging.WARNING)
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


class StockAdapter(HTTPAdapter):
    """Pools connections whose sockets are opened by `dialer` and held to the exchange's budget."""

    def __init__(self, dialer: Dialer | None = None, options: Iterable[Option] = (), *, keeps: bool = True) -> None:
        self._options = [*HTTPConnection.default_socket_options, *options]
        self._dialer = dialer or Dialer()
        self._keeps = keeps
        super().__init__(pool_connections=MOST_SERVERS, pool_maxsize=MOST_KEPT, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """What `HTTPAdapter` calls to make its pools."""
        pool_kwargs |= {"ssl_context": deadline.tls_context(), "socket_options": self._options}
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        plain = type("_Plain", (_Plain,), {"dialer": self._dialer})
        secure = type("_Secure", (_Secure,), {"dialer": self._dialer})
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("_Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("_SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leaves the TLS context as it is: it has the system's authorities, and those of `requests` are others."""
        if verify is not True or cert:
            raise NotImplementedError("certificates are checked against the system's authorities")

    def send(  # noqa: PLR0917 - as requests has it
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: "Budget | Timeout" = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """As the strict transport's."""
        granted = budget_of(timeout)
        whole: Any = StockTimeout(connect=granted.connect, read=granted.silence)  # the sockets' budget is shorter
        with MappedStock("head"), deadline.held_to(granted):
            response = super().send(request, True, whole, verify, cert, {})
        return self._usable(response, stream=stream)

    def _usable(self, response: Response, *, stream: bool) -> Response:
        if reason := _unusable(response):
            response.close()
            raise BadResponse(reason)
        if not stream:
            response.content  # noqa: B018 - reads it
        if not self._keeps:
            self.poolmanager.clear()
        return response


def _unusable(response: Response) -> str:
    """What is wrong with a head that nobody can pass on, or whose body has no known end; blank where nothing is."""
    length = response.headers.get("Content-Length", "0")
    if response.status_code < 200:
        return "the response has an interim status"
    if not (length.isascii() and length.isdigit() and len(length) <= MOST_DIGITS):
        return "the response's length is no number"
    if any(_CONTROL.search(text) for text in (response.reason or "", *response.headers.values())):
        return "the response's head holds control characters"
    return ""


class _Plain(HTTPConnection):
    """urllib3's, but its socket is opened by `dialer`."""

    dialer: ClassVar[Dialer]

    def _new_conn(self) -> socket.socket:
        return _opened(self, self.dialer)


class _Secure(HTTPSConnection):
    dialer: ClassVar[Dialer]

    def _new_conn(self) -> socket.socket:
        return _opened(self, self.dialer)

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as exc:
            raise ConnectTimeoutError(self, "no handshake in time") from exc


def _opened(connection: HTTPConnection, dialer: Dialer) -> socket.socket:
    """A budgeted socket; errors are those that urllib3 expects."""
    try:
        opened = dialer.dial(connection.host, connection.port or 0, deadline.entered())
    except TimeoutError as exc:
        raise ConnectTimeoutError(connection, "not connected in time") from exc
    except OSError as exc:
        raise NewConnectionError(connection, "not connected") from exc
    for option in connection.socket_options or ():
        opened.setsockopt(*option)
    return deadline.BudgetedSocket.adopt(opened)
