"""One `requests.Session` for each kind of destination. Nothing else in this project opens an HTTP connection.

Every session is shared by all threads. It keeps no cookies, reads neither the environment nor netrc, follows no
redirect, and sends no fields but those that its callers give and the ones below. In a forked process all are made anew:
two processes must not speak on one connection.
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
    """A session whose `send` does no more than to send.

    `timeout` is a `deadline.Budget`, or what `requests` takes, which then is for the whole exchange.
    """

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self.trust_env = False
        self.headers = CaseInsensitiveDict(FIELDS)
        self._adapter = adapter
        self.adapters.clear()
        for prefix in ("http://", "https://"):
            self.mount(prefix, adapter)

    def prepared(self, method: str, url: str, fields: Mapping[str, str], body: bytes = b"") -> requests.PreparedRequest:
        """A request with these fields and the session's, without what `Session.request` costs: 300 µs of 340."""
        given = {**FIELDS, **fields}
        if body or method in {"POST", "PUT", "PATCH"}:
            given["Content-Length"] = str(len(body))
        return LeanRequest(method, url, given, body)

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
        """The response. No redirect is followed, no cookie kept, no hook called. Raises `RequestException`."""
        adapter = self.get_adapter(request.url or "")
        return adapter.send(request, bool(stream), timeout, True if verify is None else verify, cert)


@cache
def model_server() -> OutboundSession:
    """For calls of the model server."""
    return OutboundSession(_pooling())


@contextmanager
def one_exchange() -> Iterator[OutboundSession]:
    """For one long exchange with the model server, whose connection no other exchange uses before or after.

    TCP's own keep-alive notices a server that has vanished.
    """
    session = OutboundSession(_pooling(_keep_alive()))
    try:
        yield session
    finally:
        session.close()


@cache
def mlflow() -> OutboundSession:
    """For calls of MLflow."""
    return OutboundSession(_pooling())


@cache
def callers_urls(permits: Permits, network: Network = INTERNET) -> OutboundSession:
    """For URLs that callers name; only addresses that `permits` passes are connected to."""
    if settings.OUTBOUND_TRANSPORT == "requests":
        return OutboundSession(StockAdapter(Dialer(network, permits), keeps=False))
    return OutboundSession(PinnedAddressAdapter(permits, network))


def _pooling(options: tuple[Option, ...] = ()) -> BaseAdapter:
    return (
        StockAdapter(options=options) if settings.OUTBOUND_TRANSPORT == "requests" else LlhttpAdapter(options=options)
    )


def _keep_alive() -> tuple[Option, ...]:
    known = {name: value for name, value in KEEP_ALIVE.items() if hasattr(socket, name)}  # not everywhere
    probes = [(socket.IPPROTO_TCP, int(getattr(socket, name)), value) for name, value in known.items()]
    return ((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *probes)


def begin_anew(**_: object) -> None:
    """Forgets all sessions, and with them their connections and authorities."""
    for made in (model_server, mlflow, callers_urls):
        made.cache_clear()


def _setting_changed(setting: str, **_: object) -> None:
    if setting == "OUTBOUND_TRANSPORT":
        begin_anew()


setting_changed.connect(_setting_changed)
os.register_at_fork(after_in_child=begin_anew)
