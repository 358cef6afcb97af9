"""One exchange with the model server. Errors of `requests` are mapped to this project's exceptions.

requests.exceptions                                  ml_proxy.exceptions
──────────────────────────────────────────────────   ───────────────────
Timeout (ConnectTimeout, ReadTimeout)                UpstreamTimeout
ResponseTooLarge                                     UpstreamTooLarge
BadResponse                                          UpstreamBroken
other ConnectionError, including SSLError            UpstreamUnreachable
any other (ChunkedEncodingError, InvalidHeader, …)   UpstreamBroken

The other `UpstreamError` classes are for valid HTTP answers: a redirect, or a prediction that is not JSON.
"""

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import NamedTuple
from urllib.parse import unquote

import requests

from common import metrics, tracing
from common.conf import settings
from common.outbound import bodies, sessions
from common.outbound.deadline import Budget, Switch, budget
from common.outbound.exceptions import BadResponse, ResponseTooLarge
from ml_proxy.exceptions import (
    UpstreamBroken,
    UpstreamRedirected,
    UpstreamTimeout,
    UpstreamTooLarge,
    UpstreamUnreachable,
)
from ml_proxy.upstream.headers import Fields, answer_fields, refuse_unsendable

HEAD_BYTES = 1024 * 1024  # limit for everything besides the body
WIRE_BYTES = 6  # the most that one body byte takes on the wire, in a chunk of its own
NOT_MODIFIED = 304
NEED_NO_TOKEN = frozenset({"predict", "status", "model-info"})


@dataclass(frozen=True)
class Answer:
    """The model server's answer: end-to-end header fields and body bytes unchanged, and its latency."""

    status: int
    reason: str
    fields: Fields
    body: bytes
    latency_ms: float

    def field(self, name: str) -> str:
        """Returns the first value of a field (lower-case name), or an empty string."""
        return next((value for key, value in self.fields if key.lower() == name), "")

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300


class Request(NamedTuple):
    """A request to the model server; `path` is below `api/v1`."""

    method: str
    path: str
    query: str
    fields: Mapping[str, str]
    body: bytes


@tracing.trace_calls
def forward(
    method: str,
    path: str,
    *,
    fields: Mapping[str, str],
    body: bytes = b"",
    query: str = "",
    total_seconds: float,
    call: str = "",
) -> Answer:
    """Sends one request to `{ML_SERVER_URL}/api/v1/{path}` and reads the whole answer.

    Metrics count it as `call`, which a path with parameters needs. Raises an `UpstreamError`, never an exception of
    `requests`.
    """
    started = time.perf_counter()
    limits = exchange_budget(total_seconds, settings.UPSTREAM_READ_SECONDS)
    with metrics.ModelTime(call or path), ErrorTranslation():
        response = send_request(sessions.model_server(), Request(method, path, query, fields, body), limits)
        answer = read_answer(response, started)
        refuse_unsendable(answer.fields)
        return answer


def exchange_budget(total_seconds: float, silence: float, switch: Switch | None = None) -> Budget:
    """Returns the time and byte limits of one exchange, starting now."""
    connect, max_body = settings.UPSTREAM_CONNECT_SECONDS, settings.MAX_ANSWER_BYTES
    most_bytes = max_body * WIRE_BYTES + HEAD_BYTES  # on the wire
    return budget(total_seconds, silence=silence, connect=connect, most_bytes=most_bytes, switch=switch)


def send_request(session: sessions.OutboundSession, request: Request, limits: Budget) -> requests.Response:
    """Sends a request; returns once the response's head is there. Raises `RequestException` or `UpstreamRedirected`."""
    place, login = _place(settings.ML_SERVER_URL)
    url = f"{place}/api/v1/{request.path}{'?' if request.query else ''}{request.query}"
    fields = {**tracing.with_trace_context(request.fields), **login}
    if settings.ML_SERVER_TOKEN and request.path not in NEED_NO_TOKEN:
        fields = {**fields, "Authorization": f"Bearer {settings.ML_SERVER_TOKEN}"}
    prepared = session.prepared(request.method, url, fields, request.body)
    response = session.send(prepared, stream=True, timeout=limits)
    if 300 <= response.status_code < 400 and response.status_code != NOT_MODIFIED:
        response.close()
        raise UpstreamRedirected(
            f"The model server sent a redirect ({response.status_code}), which this gateway does not follow."
        )
    return response


@lru_cache(maxsize=2)
def _place(url: str) -> tuple[str, Mapping[str, str]]:
    """The URL without its user and password, and the field that sends them by HTTP Basic, if there are any."""
    scheme, _, rest = url.partition("://")
    userinfo, _, host = rest.rpartition("@")
    if not userinfo:
        return url, {}
    user, _, password = userinfo.partition(":")
    encoded = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    return f"{scheme}://{host}", {"Authorization": f"Basic {encoded}"}


def read_answer(response: requests.Response, started: float) -> Answer:
    """Reads the whole answer; `started` is a value of `time.perf_counter()`. Raises `RequestException`."""
    body = bodies.read_body(response, settings.MAX_ANSWER_BYTES)
    return Answer(
        status=response.status_code,
        reason=response.reason or "",
        fields=answer_fields(bodies.header_fields(response)),
        body=body,
        latency_ms=(time.perf_counter() - started) * 1000,
    )


class ErrorTranslation:
    """Context manager that turns `requests` exceptions into `UpstreamError`s."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(exc, requests.RequestException):
            _raise_translated(exc)


def _raise_translated(exc: requests.RequestException) -> None:
    """Raises without binding the new exception to a local name.

    A bound exception and its frame form a reference cycle that keeps the request alive until garbage collection.
    """
    if isinstance(exc, requests.Timeout):  # before ConnectionError: ConnectTimeout is both
        raise UpstreamTimeout("The model server did not answer in time; it may still have done the work.") from exc
    if isinstance(exc, ResponseTooLarge) and not isinstance(exc, BadResponse):
        limit = f"{settings.MAX_ANSWER_BYTES} bytes (MAX_ANSWER_BYTES)"
        raise UpstreamTooLarge(f"The model server's answer, or a line of it, is larger than {limit}.") from exc
    if isinstance(exc, requests.ConnectionError) and not isinstance(exc, BadResponse):
        raise UpstreamUnreachable("The model server can't be reached, or closed the connection.") from exc
    if isinstance(exc, ValueError):  # InvalidHeader, InvalidURL
        raise UpstreamBroken("The request to the model server is not valid HTTP.") from exc
    raise UpstreamBroken("The model server's answer was truncated, or is not HTTP.") from exc
