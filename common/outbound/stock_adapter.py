"""The stock transport of `requests`, extended by the budget.

It parses heads with Python's `http.client`, which accepts responses that the strict transport refuses, see ADR 10.
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

MAX_SERVERS = 8
MAX_POOLED = 512  # connections per server; more are closed after use
MAX_LENGTH_DIGITS = 18  # of a Content-Length

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# They log URLs with query strings: each request at level DEBUG, each invalid head as a warning.
logging.getLogger("urllib3").setLevel(logging.WARNING)
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


class StockAdapter(HTTPAdapter):
    """Pools connections. `dialer` opens their sockets, which have the exchange's budget."""

    def __init__(self, dialer: Dialer | None = None, options: Iterable[Option] = (), *, keeps: bool = True) -> None:
        self._options = [*HTTPConnection.default_socket_options, *options]
        self._dialer = dialer or Dialer()
        self._keeps = keeps
        super().__init__(pool_connections=MAX_SERVERS, pool_maxsize=MAX_POOLED, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Creates the pools, for `HTTPAdapter`."""
        pool_kwargs |= {"ssl_context": deadline.tls_context(), "socket_options": self._options}
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        plain = type("_Plain", (_Plain,), {"dialer": self._dialer})
        secure = type("_Secure", (_Secure,), {"dialer": self._dialer})
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("_Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("_SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Keeps the TLS context with the system's authorities; `requests` would use others."""
        if verify is not True or cert:
            raise NotImplementedError("certificates are verified with the system's authorities")

    def send(  # noqa: PLR0917 - the signature of requests
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: "Budget | Timeout" = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """As `LlhttpAdapter.send`."""
        budget = budget_of(timeout)
        stock_timeout: Any = StockTimeout(
            connect=budget.connect, read=budget.silence
        )  # the budget of the sockets applies too
        with MappedStock("head"), deadline.apply_budget(budget):
            response = super().send(request, True, stock_timeout, verify, cert, {})
        return self._usable(response, stream=stream)

    def _usable(self, response: Response, *, stream: bool) -> Response:
        if reason := _unusable(response):
            response.close()
            raise BadResponse(reason)
        if not stream:
            response.content  # noqa: B018 - reads the body
        if not self._keeps:
            self.poolmanager.clear()
        return response


def _unusable(response: Response) -> str:
    """Why the head cannot be forwarded, or the end of the body is unknown; blank if neither."""
    length = response.headers.get("Content-Length", "0")
    if response.status_code < 200:
        return "the response has an interim status"
    if not (length.isascii() and length.isdigit() and len(length) <= MAX_LENGTH_DIGITS):
        return "the response's length is not a number"
    if any(_CONTROL.search(text) for text in (response.reason or "", *response.headers.values())):
        return "the response's head contains control characters"
    return ""


class _Plain(HTTPConnection):
    """A connection of urllib3 whose socket `dialer` opens."""

    dialer: ClassVar[Dialer]

    def _new_conn(self) -> socket.socket:
        return _open_socket(self, self.dialer)


class _Secure(HTTPSConnection):
    dialer: ClassVar[Dialer]

    def _new_conn(self) -> socket.socket:
        return _open_socket(self, self.dialer)

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as exc:
            raise ConnectTimeoutError(self, "no handshake in time") from exc


def _open_socket(connection: HTTPConnection, dialer: Dialer) -> socket.socket:
    """A budgeted socket. Raises the errors that urllib3 expects."""
    try:
        sock = dialer.dial(connection.host, connection.port or 0, deadline.current_budget())
    except TimeoutError as exc:
        raise ConnectTimeoutError(connection, "not connected in time") from exc
    except OSError as exc:
        raise NewConnectionError(connection, "not connected") from exc
    for option in connection.socket_options or ():
        sock.setsockopt(*option)
    return deadline.BudgetedSocket.adopt(sock)
