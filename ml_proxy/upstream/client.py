"""One exchange with the model server: pooled, held to a deadline and a cap, its errors in this project's words.

No proxy from the environment, no netrc, no cookie jar, no redirect, no second try: a POST that may have arrived is
never sent again.
"""

import http.client
import logging
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.errors import MultipartInvariantViolationDefect, StartBoundaryNotFoundDefect
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ml_proxy import metrics, tracing
from ml_proxy.exceptions import (
    UpstreamBroken,
    UpstreamError,
    UpstreamRedirected,
    UpstreamTimeout,
    UpstreamTooLarge,
    UpstreamUnreachable,
)
from ml_proxy.upstream import deadline
from ml_proxy.upstream.headers import Fields, answer_fields, refuse_control_characters

READ_AT_ONCE = 64 * 1024
HEAD_BYTES = 1024 * 1024  # what may arrive beside the body
WIRE_BYTES = 6  # that one byte of a body takes at most, in a chunk of its own
NO_CONTENT, NOT_MODIFIED = 204, 304

# They tell URLs, query and all: of every request at level DEBUG, of a head that can't be read as a warning.
logging.getLogger("urllib3").setLevel(logging.WARNING)
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


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


@tracing.calling
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
    request = prepared(method, path, query, fields, body)
    started = time.perf_counter()
    budget = deadline.budget(total_seconds, settings.UPSTREAM_READ_SECONDS, most_bytes())
    with metrics.ModelTime(path), translated(), budget as granted:
        timeout = (min(settings.UPSTREAM_CONNECT_SECONDS, granted.left()), granted.left())
        response = _adapter.send(request, stream=True, timeout=timeout, proxies={})
        try:
            answer = whole(response, started)
        except BaseException:
            response.raw.close()  # what is left unread must not reach the connection's next user
            raise
    return answer


def most_bytes() -> int:
    """What one answer may take on the wire."""
    return settings.MAX_ANSWER_BYTES * WIRE_BYTES + HEAD_BYTES


def prepared(method: str, path: str, query: str, fields: Mapping[str, str], body: bytes) -> requests.PreparedRequest:
    """A request with nothing added: `Session.prepare_request` would merge cookies, netrc and default fields."""
    request = requests.PreparedRequest()
    request.method = method
    request.url = f"{settings.ML_SERVER_URL}/api/v1/{path}{'?' if query else ''}{query}"
    request.body = body or None
    request.headers = CaseInsensitiveDict({"User-Agent": "ml-proxy", **tracing.carried(fields)})
    if body or method == "POST":
        request.headers["Content-Length"] = str(len(body))
    return request


def whole(response: requests.Response, started: float) -> Answer:
    """The answer whose head `response` holds, read to its end; `started` is of `time.perf_counter()`."""
    raw = response.raw
    fields = checked_fields(raw)
    body = _capped(raw, settings.MAX_ANSWER_BYTES)
    return Answer(
        status=raw.status,
        reason=raw.reason or "",
        fields=fields,
        body=body,
        latency_ms=(time.perf_counter() - started) * 1000,
    )


def checked_fields(raw: Any) -> Fields:
    """The end-to-end fields of a head, which must be one that can be passed on."""
    _refuse_unusable(raw.status)
    _refuse_garbled(raw)
    return answer_fields(raw.headers.items())


def _refuse_unusable(status: int) -> None:
    if status < 200:
        raise UpstreamBroken(f"The model server answered with an interim status, {status}.")
    if 300 <= status < 400 and status != NOT_MODIFIED:
        raise UpstreamRedirected(f"The model server redirects ({status}), and this door follows no redirect.")


def _refuse_garbled(raw: Any) -> None:
    """Python's own parser drops the fields behind a line that is none, and the body's length with them."""
    defects = raw._original_response.msg.defects  # noqa: SLF001 - urllib3 keeps the parsed head nowhere else
    if not all(isinstance(defect, _DEFECTS_OF_BODIES) for defect in defects):
        raise UpstreamBroken("The head of the model server's answer is not HTTP.")
    if raw.headers.get("Transfer-Encoding", "chunked").lower() not in {"chunked", "identity"}:
        raise UpstreamBroken("The model server's answer is in a transfer coding that nobody asked for.")
    refuse_control_characters(raw.reason or "")


_DEFECTS_OF_BODIES = (StartBoundaryNotFoundDefect, MultipartInvariantViolationDefect)  # of the body, which it has not


def _capped(raw: Any, cap: int) -> bytes:
    """The body as it travelled, content coding and all; no more than `cap` bytes of it are ever held."""
    pieces, size = [], _declared(raw)
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


def _declared(raw: Any) -> int:
    """The body's length where the answer tells it, else 0."""
    length = raw.headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()):
        raise UpstreamBroken("The model server's answer has a Content-Length that is none.")
    return 0 if raw.status in {NO_CONTENT, NOT_MODIFIED} else int(length)


@contextmanager
def translated() -> Iterator[None]:
    """Whatever is raised in the block leaves it as an `UpstreamError`."""
    try:
        yield
    except UpstreamError:
        raise
    except (requests.RequestException, urllib3_errors.HTTPError, http.client.HTTPException, OSError, ValueError) as exc:
        raise translate(exc) from exc


def translate(exc: BaseException) -> UpstreamError:
    """This project's error for whatever `requests`, urllib3 or the socket raised."""
    causes = list(_causes(exc))
    if any(isinstance(cause, _TIMEOUTS) and not isinstance(cause, _REFUSED) for cause in causes):
        return UpstreamTimeout("The model server did not answer in time; its work may still have been done.")
    is_closed = any(isinstance(cause, _CLOSED) for cause in causes)
    if not is_closed and any(isinstance(cause, _BROKEN) for cause in causes):
        return UpstreamBroken("The model server's answer broke off, or is not HTTP.")
    return UpstreamUnreachable("The model server can't be reached, or closed the connection.")


_TIMEOUTS = (requests.Timeout, urllib3_errors.TimeoutError, TimeoutError)
_REFUSED = urllib3_errors.NewConnectionError  # a timeout by its class alone
_CLOSED = (ConnectionError, ssl.SSLError)  # wrapped in a ProtocolError; some are a ValueError too
_BROKEN = (
    http.client.HTTPException,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    requests.exceptions.InvalidHeader,
    urllib3_errors.IncompleteRead,
    urllib3_errors.InvalidChunkLength,
    urllib3_errors.InvalidHeader,
    urllib3_errors.ProtocolError,
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


class Adapter(HTTPAdapter):
    """Pools connections whose sockets are held to the exchange's budget."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """What `HTTPAdapter` calls to make its pools."""
        super().init_poolmanager(*args, ssl_context=deadline.tls_context(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": HTTPSConnectionPool}


# As many connections as request threads: one that found the pool full would be thrown away after its use.
_adapter = Adapter(pool_connections=1, pool_maxsize=settings.GATEWAY_THREADS, max_retries=0)
