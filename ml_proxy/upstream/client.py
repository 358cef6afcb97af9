"""One exchange with the model server, through its session; its errors are this project's.

requests.exceptions                                  common.exceptions
──────────────────────────────────────────────────   ───────────────────
Timeout (ConnectTimeout, ReadTimeout)                UpstreamTimeout
ResponseTooLarge                                     UpstreamTooLarge
BadResponse                                          UpstreamBroken
other ConnectionError, SSLError among them           UpstreamUnreachable
any other (ChunkedEncodingError, InvalidHeader, …)   UpstreamBroken

The other errors of this tree are of what was understood: a redirect, a prediction that is not JSON.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple

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
from ml_proxy.upstream.headers import Fields, answer_fields

HEAD_BYTES = 1024 * 1024  # what may arrive beside the body
WIRE_BYTES = 6  # that one byte of a body takes at most, in a chunk of its own
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


class Request(NamedTuple):
    """What is asked of the model server; `path` is below `api/v1`."""

    method: str
    path: str
    query: str
    fields: Mapping[str, str]
    body: bytes


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
    started = time.perf_counter()
    granted = granting(total_seconds, settings.UPSTREAM_READ_SECONDS)
    with metrics.ModelTime(path), Translated():
        response = ask(sessions.model_server(), Request(method, path, query, fields, body), granted)
        return whole(response, started)


def granting(total_seconds: float, silence: float, switch: Switch | None = None) -> Budget:
    """What one exchange with the model server may take, from now on."""
    connect, cap = settings.UPSTREAM_CONNECT_SECONDS, settings.MAX_ANSWER_BYTES
    most_bytes = cap * WIRE_BYTES + HEAD_BYTES  # on the wire
    return budget(total_seconds, silence=silence, connect=connect, most_bytes=most_bytes, switch=switch)


def ask(session: sessions.OutboundSession, asked: Request, granted: Budget) -> requests.Response:
    """Sends a request; the response's head has come. Raises `RequestException`, or `UpstreamRedirected`."""
    url = f"{settings.ML_SERVER_URL}/api/v1/{asked.path}{'?' if asked.query else ''}{asked.query}"
    request = session.prepared(asked.method, url, tracing.carried(asked.fields), asked.body)
    response = session.send(request, stream=True, timeout=granted)
    if 300 <= response.status_code < 400 and response.status_code != NOT_MODIFIED:
        response.close()
        raise UpstreamRedirected(
            f"The model server redirects ({response.status_code}), and this gateway follows no redirect."
        )
    return response


def whole(response: requests.Response, started: float) -> Answer:
    """The answer, read to its end; `started` is of `time.perf_counter()`. Raises `RequestException`."""
    body = bodies.read_body(response, settings.MAX_ANSWER_BYTES)
    return Answer(
        status=response.status_code,
        reason=response.reason or "",
        fields=answer_fields(bodies.header_fields(response)),
        body=body,
        latency_ms=(time.perf_counter() - started) * 1000,
    )


class Translated:
    """Whatever `requests` raises in the block leaves it as an `UpstreamError`."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(exc, requests.RequestException):
            _raise_in_our_words(exc)


def _raise_in_our_words(exc: requests.RequestException) -> None:
    """Names no error of its own: with its frames that would be a circle, which holds the request until it is swept."""
    if isinstance(exc, requests.Timeout):  # before ConnectionError: ConnectTimeout is both
        raise UpstreamTimeout("The model server did not answer in time; its work may still have been done.") from exc
    if isinstance(exc, ResponseTooLarge) and not isinstance(exc, BadResponse):
        cap = f"{settings.MAX_ANSWER_BYTES} bytes (MAX_ANSWER_BYTES)"
        raise UpstreamTooLarge(f"The model server's answer, or a line of it, is over the cap of {cap}.") from exc
    if isinstance(exc, requests.ConnectionError) and not isinstance(exc, BadResponse):
        raise UpstreamUnreachable("The model server can't be reached, or closed the connection.") from exc
    if isinstance(exc, ValueError):  # InvalidHeader, InvalidURL
        raise UpstreamBroken("The request to the model server can't be written as HTTP.") from exc
    raise UpstreamBroken("The model server's answer broke off, or is not HTTP.") from exc
