"""Guards the requests that change a model: they need the shared secret, or come from a program on this machine.

Predictions are open to the server's network. A web page that is open on this machine is not a program: it could send a
request to any port here, but its browser adds `Origin` or `Sec-Fetch-Site`, which pages can't remove.
"""

from collections.abc import Callable
from functools import wraps
from hmac import compare_digest
from ipaddress import ip_address
from typing import ParamSpec, TypeVar

from flask import request

from ml_server.exceptions import AccessRefused

P = ParamSpec("P")
T = TypeVar("T")

FROM_ELSEWHERE = ("Origin", "Sec-Fetch-Site", "X-Forwarded-For", "Forwarded", "Via")  # pages and proxies


class Guard:
    """Compares with the token that `read_token` returns; empty if there is none."""

    def __init__(self, read_token: Callable[[], str]) -> None:
        self._read_token = read_token

    def protect(self, view: Callable[P, T]) -> Callable[P, T]:
        """The view, which raises `AccessRefused` for requests that may not change a model."""

        @wraps(view)
        def protected(*args: P.args, **kwargs: P.kwargs) -> T:
            self._check()
            return view(*args, **kwargs)

        return protected

    def _check(self) -> None:
        token = self._read_token()
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        if token and scheme.lower() == "bearer":
            if not compare_digest(sent.strip().encode(), token.encode()):
                raise AccessRefused("the bearer token is not ML_SERVER_TOKEN: give both servers the same value")
        elif not _is_local_program():
            raise AccessRefused(
                "this changes a model: set ML_SERVER_TOKEN on both servers and send it as the bearer token"
            )


def _is_local_program() -> bool:
    try:
        is_loopback = ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return is_loopback and not any(name in request.headers for name in FROM_ELSEWHERE)
