"""One exchange with the model server: pooled, held to a deadline and a cap, its errors in this project's words.

No proxy from the environment, no netrc, no cookie jar, no redirect, no second try: a POST that may have arrived is
never sent again.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple

from common import metrics, tracing
from common.conf import settings
from ml_proxy.exceptions import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from ml_proxy.upstream import deadline
from ml_proxy.upstream.arriving import Arriving
from ml_proxy.upstream.connection import Connection, Server, server_at
from ml_proxy.upstream.headers import Fields, answer_fields

HEAD_BYTES = 1024 * 1024  # what may arrive beside the body
WIRE_BYTES = 6  # that one byte of a body takes at most, in a chunk of its own


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
    """What is asked of a server; `path` is below its `root`."""

    method: str
    path: str
    query: str
    fields: Mapping[str, str]
    body: bytes
    root: str = "api/v1"

    def head(self, server: Server) -> bytes:
        """The head, with nothing added but what HTTP needs. Raises `ValueError` for what would break it."""
        fields = {"User-Agent": "ml-proxy", **tracing.carried(self.fields)}
        lines = [
            f"{self.method} {server.path}/{self.root}/{self.path}{'?' if self.query else ''}{self.query} HTTP/1.1",
            f"Host: {server.authority}",
            *(f"{name}: {value}" for name, value in fields.items()),
        ]
        if self.body or self.method == "POST":
            lines.append(f"Content-Length: {len(self.body)}")
        text = "\r\n".join(lines)
        if not text.count("\r") == text.count("\n") == len(lines) - 1:
            raise ValueError("an end of line within a line of the head")
        return f"{text}\r\n\r\n".encode("latin-1")


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
    request = Request(method, path, query, fields, body)
    started = time.perf_counter()
    budget = deadline.budget(total_seconds, settings.UPSTREAM_READ_SECONDS, most_bytes())
    with metrics.ModelTime(path), Translated(), budget as granted:
        server = server_at(settings.ML_SERVER_URL)
        connection = server.take(granted)
        try:
            arriving = ask(server, connection, request)
            answer = whole(arriving, started)
        except BaseException:
            connection.close()  # what is left unread must not reach the connection's next user
            raise
        if arriving.leaves_room:
            server.keep(connection)
        else:
            connection.close()
    return answer


def most_bytes() -> int:
    """What one answer may take on the wire."""
    return settings.MAX_ANSWER_BYTES * WIRE_BYTES + HEAD_BYTES


def ask(server: Server, connection: Connection, request: Request) -> Arriving:
    """Sends a request, and gives the answer whose head has come. Raises `UpstreamError`, `OSError` or `ValueError`."""
    connection.send(request.head(server), request.body)
    arriving = Arriving(connection)
    arriving.read_head()
    return arriving


def whole(arriving: Arriving, started: float) -> Answer:
    """The answer, read to its end; `started` is of `time.perf_counter()`. Raises `UpstreamError` or `OSError`."""
    body = arriving.whole(settings.MAX_ANSWER_BYTES)
    return Answer(
        status=arriving.status,
        reason=arriving.reason,
        fields=answer_fields(arriving.fields),
        body=body,
        latency_ms=(time.perf_counter() - started) * 1000,
    )


class Translated:
    """Whatever the socket, TLS or a codec raises in the block leaves it as an `UpstreamError`."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None and not isinstance(exc, UpstreamError):
            _raise_in_our_words(exc)


def _raise_in_our_words(exc: BaseException | None) -> None:
    """Names no error of its own: with its frames that would be a circle, which holds the request until it is swept."""
    if isinstance(exc, TimeoutError):
        raise UpstreamTimeout("The model server did not answer in time; its work may still have been done.") from exc
    if isinstance(exc, OSError):  # before ValueError: a certificate's error is both
        raise UpstreamUnreachable("The model server can't be reached, or closed the connection.") from exc
    if isinstance(exc, ValueError):
        raise UpstreamBroken("The request or its answer can't be said in HTTP.") from exc
