"""One exchange with the model server: pooled, held to a deadline and a cap, its errors in this project's words.

No proxy from the environment, no netrc, no cookie jar, no redirect, no second try: a POST that may have arrived is
never sent again.
"""

import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ml_proxy.exceptions import (
    UpstreamBroken,
    UpstreamError,
    UpstreamRedirected,
    UpstreamTimeout,
    UpstreamTooLarge,
    UpstreamUnreachable,
)
from ml_proxy.upstream import deadline
from ml_proxy.upstream.headers import Fields, answer_fields

READ_AT_ONCE = 64 * 1024
NOT_MODIFIED = 304


@dataclass(frozen=True)
class Answer:
    """What the model server said: end-to-end fields and body bytes as they came, and how long it took."""

    status: int
    reason: str
    fields: Fields
    body: bytes
    latency_ms: float

    def field(self, name: str) -> str:
        """The first value of a field, or an empty string."""
        return next((value for key, value in self.fields if key.lower() == name), "")

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300


def forward(
    method: str,
    path: str,
    *,
    fields: Mapping[str, str],
    body: bytes = b"",
    query: str = "",
    total_seconds: float,
) -> Answer:
    """Sends one request to `{ML_SERVER_URL}/api/v1/{path}` and reads the whole answer.

    Raises an `UpstreamError`: nothing else crosses this edge.
    """
    request = _prepared(method, f"{settings.ML_SERVER_URL}/api/v1/{path}{'?' if query else ''}{query}", fields, body)
    started = time.perf_counter()
    with _translated(), deadline.budget(total_seconds, settings.UPSTREAM_READ_SECONDS) as granted:
        timeout = (min(settings.UPSTREAM_CONNECT_SECONDS, granted.left()), granted.left())
        response = _adapter.send(request, stream=True, timeout=timeout, proxies={})
        try:
            answer = _whole(response, started)
        except BaseException:
            response.raw.close()  # what is left unread must not reach the connection's next user
            raise
    return answer


def _prepared(method: str, url: str, fields: Mapping[str, str], body: bytes) -> requests.PreparedRequest:
    """A request with nothing added: `Session.prepare_request` would merge cookies, netrc and default fields."""
    request = requests.PreparedRequest()
    request.method = method
    request.url = url
    request.body = body or None
    request.headers = CaseInsensitiveDict({"User-Agent": "ml-proxy", **fields})
    if body or method == "POST":
        request.headers["Content-Length"] = str(len(body))
    return request


def _whole(response: requests.Response, started: float) -> Answer:
    raw = response.raw
    _refuse_unusable(raw.status)
    body = _capped(raw, settings.MAX_ANSWER_BYTES)
    return Answer(
        status=raw.status,
        reason=raw.reason or "",
        fields=answer_fields(raw.headers.items()),
        body=body,
        latency_ms=(time.perf_counter() - started) * 1000,
    )


def _refuse_unusable(status: int) -> None:
    if status < 200:
        raise UpstreamBroken(f"The model server answered with an interim status, {status}.")
    if 300 <= status < 400 and status != NOT_MODIFIED:
        raise UpstreamRedirected(f"The model server redirects ({status}), and this door follows no redirect.")


def _capped(raw: Any, cap: int) -> bytes:
    """The body as it travelled, content coding and all; no more than `cap` bytes of it are ever held."""
    pieces, size = [], int(raw.headers.get("Content-Length") or 0)
    if size <= cap:
        size = 0
        for piece in raw.stream(READ_AT_ONCE, decode_content=False):
            size += len(piece)
            if size > cap:
                break
            pieces.append(piece)
    if size > cap:
        raise UpstreamTooLarge(f"The model server's answer is over the cap of {cap} bytes (MAX_ANSWER_BYTES).")
    return b"".join(pieces)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except UpstreamError:
        raise
    except (requests.RequestException, urllib3_errors.HTTPError, OSError, ValueError) as exc:
        raise translate(exc) from exc


def translate(exc: BaseException) -> UpstreamError:
    """This project's error for whatever `requests`, urllib3 or the socket raised."""
    causes = list(_causes(exc))
    if any(isinstance(cause, _TIMEOUTS) for cause in causes):
        return UpstreamTimeout("The model server did not answer in time; its work may still have been done.")
    if any(isinstance(cause, _BROKEN) and not isinstance(cause, ConnectionError) for cause in causes):
        return UpstreamBroken("The model server's answer broke off, or is not HTTP.")
    return UpstreamUnreachable("The model server can't be reached, or closed the connection.")


_TIMEOUTS = (requests.Timeout, urllib3_errors.TimeoutError, TimeoutError)
_BROKEN = (
    http.client.HTTPException,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    requests.exceptions.InvalidHeader,
    urllib3_errors.IncompleteRead,
    urllib3_errors.InvalidChunkLength,
    urllib3_errors.InvalidHeader,
    ValueError,
)


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """The exception and all that it wraps, as a cause, as a context or as an argument."""
    seen: list[BaseException] = []
    waiting: list[Any] = [exc]
    while waiting:
        item = waiting.pop()
        if isinstance(item, BaseException) and not any(item is one for one in seen):
            seen.append(item)
            yield item
            waiting += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = deadline.BudgetedSocket.adopt(self.sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    """Pools connections whose sockets are held to the exchange's budget."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=deadline.tls_context(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": HTTPSConnectionPool}


# As many connections as request threads: one that found the pool full would be thrown away after its use.
_adapter = _Adapter(pool_connections=1, pool_maxsize=settings.GATEWAY_THREADS, max_retries=0)
