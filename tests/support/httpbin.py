"""httpbin as the model server: an independent HTTP implementation."""

import http.client
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from tests.support.waitress_server import served_on_loopback

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own warnings, and those of its dependencies
    from httpbin import app


class Answer(NamedTuple):
    """A response."""

    status: int
    reason: str
    fields: list[tuple[str, str]]
    body: bytes


def target(path: str) -> str:
    """The query string that selects a path of httpbin, for any path of the model server."""
    return f"path={quote(path)}"


def shim(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Calls httpbin with the path in the query string, and ignores the request's own path."""
    asked = urlsplit(parse_qs(environ["QUERY_STRING"])["path"][0])
    inner = {**environ, "PATH_INFO": asked.path, "QUERY_STRING": asked.query}
    answer: Iterable[bytes] = app.wsgi_app(inner, start_response)
    return answer


def serving() -> AbstractContextManager[str]:
    """Serves httpbin under waitress; the context manager gives its URL."""
    return served_on_loopback(shim)


def ask(url: str, path: str, fields: Mapping[str, str]) -> Answer:
    """The response to a direct client, without a gateway."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in fields.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, response.reason, response.getheaders(), response.read())
    finally:
        connection.close()
