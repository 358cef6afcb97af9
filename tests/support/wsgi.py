"""Calls a WSGI application as a server does."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple


class Answered(NamedTuple):
    """The response: status line, header fields (names in lower case) and body."""

    status: str
    fields: dict[str, str]
    content: bytes


def ask(application: Callable[..., Any], method: str, path: str, body: bytes = b"", **fields: str) -> Answered:
    """Sends one request; `fields` are variables of its WSGI environment."""
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        **({"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))} if body else {}),
        **fields,
    }
    started: list[Any] = []
    answer = application(environ, lambda *given: started.extend(given))
    content = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return Answered(started[0], {name.lower(): value for name, value in started[1]}, content)
