"""One `requests.Session` for each kind of destination. Nothing else in this project opens an HTTP connection.

All threads share a session. It keeps no cookies, ignores the environment and netrc, follows no redirects, and adds only
the header fields below. A forked process creates its own sessions, because two processes must not share a connection.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import requests
from django.conf import settings
from django.core.signals import setting_changed
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from common.outbound.connection import Option
from common.outbound.lean import LeanRequest
from common.outbound.llhttp_adapter import LlhttpAdapter
from common.outbound.network import INTERNET, Dialer, Network, Permits
from common.outbound.pinned_adapter import PinnedAddressAdapter
from common.outbound.stock_adapter import StockAdapter

FIELDS = {"User-Agent": "ml-proxy"}
KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # seconds, seconds, times


class OutboundSession(requests.Session):
    """A session that only sends.

    `timeout` is a `deadline.Budget`, or a timeout of `requests`, which then covers the whole exchange.
    """

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self.trust_env = False
        self.headers = CaseInsensitiveDict(FIELDS)
        self.adapters.clear()
        for prefix in ("http://", "https://"):
            self.mount(prefix, adapter)

    def prepared(self, method: str, url: str, fields: Mapping[str, str], body: bytes = b"") -> requests.PreparedRequest:
        """A request with these header fields and the session's. `Session.request` takes 300 µs longer."""
        all_fields = {**FIELDS, **fields}
        if body or method in {"POST", "PUT", "PATCH"}:
            all_fields["Content-Length"] = str(len(body))
        return LeanRequest(method, url, all_fields, body)

    def send(
        self,
        request: requests.PreparedRequest,
        *,
        stream: bool | None = False,
        verify: bool | str | None = True,
        timeout: Any = None,
        cert: Any = None,
        **_: Any,
    ) -> requests.Response:
        """The response, without redirects, cookies or hooks. Raises `RequestException`."""
        adapter = self.get_adapter(request.url or "")
        return adapter.send(request, bool(stream), timeout, True if verify is None else verify, cert)


@cache
def model_server() -> OutboundSession:
    """The session for calls of the model server."""
    return OutboundSession(_pooling())


@contextmanager
def one_exchange() -> Iterator[OutboundSession]:
    """A session for one long exchange with the model server, on a connection of its own.

    TCP keep-alive detects a server that has vanished.
    """
    session = OutboundSession(_pooling(_keep_alive()))
    try:
        yield session
    finally:
        session.close()


@cache
def mlflow() -> OutboundSession:
    """The session for calls of MLflow."""
    return OutboundSession(_pooling())


@cache
def model_providers() -> OutboundSession:
    """The session for calls of models that others serve, in OpenAI's protocol."""
    return OutboundSession(_pooling())


def identity_provider() -> OutboundSession:
    """A session for one call of the identity provider; the caller closes it."""
    return OutboundSession(_pooling())


@cache
def callers_urls(permits: Permits, network: Network = INTERNET) -> OutboundSession:
    """The session for callers' URLs; it connects only to addresses for which `permits` is true."""
    if settings.OUTBOUND_TRANSPORT == "requests":
        return OutboundSession(StockAdapter(Dialer(network, permits), keeps=False))
    return OutboundSession(PinnedAddressAdapter(permits, network))


def _pooling(options: tuple[Option, ...] = ()) -> BaseAdapter:
    return (
        StockAdapter(options=options) if settings.OUTBOUND_TRANSPORT == "requests" else LlhttpAdapter(options=options)
    )


def _keep_alive() -> tuple[Option, ...]:
    options = {name: value for name, value in KEEP_ALIVE.items() if hasattr(socket, name)}  # not on every system
    probes = [(socket.IPPROTO_TCP, int(getattr(socket, name)), value) for name, value in options.items()]
    return ((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *probes)


def begin_anew(**_: object) -> None:
    """Drops all sessions with their connections and TLS contexts."""
    for factory in (model_server, mlflow, model_providers, callers_urls):
        factory.cache_clear()


def _setting_changed(setting: str, **_: object) -> None:
    if setting == "OUTBOUND_TRANSPORT":
        begin_anew()


setting_changed.connect(_setting_changed)
os.register_at_fork(after_in_child=begin_anew)
