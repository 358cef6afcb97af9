"""The strict transport adapter: pooled connections, the llhttp parser, one budget per exchange.

It has no proxies, redirects or retries: a POST that may have arrived is never sent again. Bodies must be bytes or text.
Certificates are verified with the system's authorities.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.exceptions import InvalidHeader, InvalidSchema, InvalidURL, RequestException

from common.outbound.connection import PORTS, Connection, Option, Server
from common.outbound.deadline import Budget, Timeout, budget_of
from common.outbound.exceptions import LOWER, Mapped, mapped
from common.outbound.http_response import RawResponse
from common.outbound.lean import LeanRequest, LeanResponse
from common.outbound.network import Dialer

MAX_SERVERS = 8  # servers with pooled connections; the least recently used one is dropped


class LlhttpAdapter(BaseAdapter):
    """Sends prepared requests over pooled connections."""

    def __init__(self, dialer: Dialer | None = None, options: Iterable[Option] = ()) -> None:
        """`options` are set on every socket; `dialer` opens them."""
        super().__init__()
        self._dialer = dialer or Dialer()
        self._options = tuple(options)
        self._server = lru_cache(MAX_SERVERS)(self._new_server)
        self._split = lru_cache(256)(_split)

    def send(  # noqa: PLR0917 - the signature of requests
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: "Budget | Timeout" = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """The response; with `stream` its body is not read yet. Raises `RequestException`."""
        if verify is not True or cert or proxies:
            raise NotImplementedError("this transport verifies with the system's authorities, and supports no proxy")
        budget = budget_of(timeout)
        server, target = self._destination(str(request.url))
        head = _head(request, server.authority, target)
        raw = self._exchange(server, budget, head, _body(request), has_body=request.method != "HEAD")
        response = LeanResponse(request, raw)
        response.connection = self  # type: ignore[assignment]
        if not stream:
            response.content  # noqa: B018 - reads the body
        return response

    def close(self) -> None:
        """Closes the idle connections."""
        self._server.cache_clear()

    def keep(self, server: Server, connection: Connection) -> None:
        """Returns a reusable connection to the pool."""
        server.keep(connection)

    def _exchange(self, server: Server, budget: Budget, head: bytes, body: bytes, *, has_body: bool) -> RawResponse:
        connection = server.take_idle()
        if connection is None:
            with Mapped("connect"):
                connection = server.connect(budget)
        try:
            connection.begin(budget)
            raw = RawResponse(connection, partial(self.keep, server), has_body=has_body)
            connection.send(head, body, raw.listen)
            raw.read_head()
        except BaseException as exc:
            connection.close()
            if isinstance(exc, LOWER) and not isinstance(exc, RequestException):
                raise mapped(exc, "head") from exc
            raise
        return raw

    def _destination(self, url: str) -> tuple[Server, str]:
        """The server and the request target of a URL. Raises `InvalidURL` or `InvalidSchema`."""
        base, question, query = url.partition("#")[0].partition("?")
        try:
            scheme, netloc, path = self._split(base)
            return self._server(scheme, netloc), f"{path}{question}{query}"
        except InvalidSchema:
            raise
        except ValueError as exc:
            raise InvalidURL("the URL can't be read") from exc

    def _new_server(self, scheme: str, netloc: str) -> Server:
        return Server(urlsplit(f"{scheme}://{netloc}"), self._dialer, self._options)


def _split(base: str) -> tuple[str, str, str]:
    """Scheme, authority without credentials, and path of a URL."""
    parts = urlsplit(base)
    if parts.scheme not in PORTS:
        raise InvalidSchema("the URL is neither http nor https")
    return parts.scheme, parts.netloc.rpartition("@")[2], parts.path or "/"


def _head(request: PreparedRequest, authority: str, target: str) -> bytes:
    """The head of the request; adds only the Host field. Raises `InvalidHeader` for line breaks in fields."""
    lines = [f"{request.method} {target} HTTP/1.1"]
    if isinstance(request, LeanRequest):
        lines.append(f"Host: {authority}")
        lines += [f"{name}: {value}" for name, value in request.fields.items()]
    else:
        fields: Mapping[str, str | bytes] = request.headers or {}
        lines += [] if "Host" in fields else [f"Host: {authority}"]
        lines += [f"{_text(name)}: {_text(value)}" for name, value in fields.items()]
    text = "\r\n".join(lines)
    if not text.count("\r") == text.count("\n") == len(lines) - 1:
        raise InvalidHeader("a header field contains a line break")
    try:
        return f"{text}\r\n\r\n".encode("latin-1")
    except UnicodeEncodeError as exc:
        raise InvalidHeader("a header field is not Latin-1") from exc


def _text(part: str | bytes) -> str:
    return part if type(part) is str else part.decode("latin-1") if isinstance(part, bytes) else str(part)


def _body(request: PreparedRequest) -> bytes:
    body = request.body
    if body is None or isinstance(body, bytes):
        return body or b""
    if isinstance(body, str):
        return body.encode()
    raise NotImplementedError("this transport sends bytes and text only")
