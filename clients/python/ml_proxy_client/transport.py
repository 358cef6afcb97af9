"""Sends requests: credentials, deadlines, and repeats of what is safe to repeat."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from ml_proxy_client.errors import ProblemError, Unreachable, problem_of

LONGEST_PAUSE_SECONDS = 30.0


class BearerToken(AuthBase):
    """Signs requests. As a header field of the session, a password in `.netrc` would take the token's place."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Adds the token."""
        request.headers["Authorization"] = f"Bearer {self._value}"
        return request


class Transport:
    """One gateway, and who calls it. Not for use by several threads at once: make one for each."""

    def __init__(self, url: str | None, token: str | None, *, timeout: float, attempts: int) -> None:
        found = url or os.environ.get("ML_PROXY_URL")
        if not found:
            raise ValueError("The gateway's URL is missing: give it, or set ML_PROXY_URL.")
        self.url = found.rstrip("/")
        self.timeout = timeout
        self.attempts = attempts
        self.session = requests.Session()
        if value := token or os.environ.get("ML_PROXY_TOKEN"):
            self.session.auth = BearerToken(value)

    def send(self, method: str, path: str, *, key: str | None = None, **more: Any) -> requests.Response:
        """Sends a request. `path` may be a URL that the gateway sent: only its path and query count.

        Repeats a GET, and a request with an idempotency key, after a temporary error. Raises `ProblemError` for an
        answer that is not a success, and `Unreachable` if there is none.
        """
        headers: Mapping[str, str] = {"Idempotency-Key": key} if key else {}
        is_safe = method == "GET" or key is not None
        return self._repeated(
            lambda: self._once(method, path, headers=headers, **more), self.attempts if is_safe else 1
        )

    def _once(self, method: str, path: str, **more: Any) -> requests.Response:
        parts = urlsplit(path)
        url = f"{self.url}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        try:
            response = self.session.request(method, url, timeout=self.timeout, allow_redirects=False, **more)
        except requests.RequestException as exc:
            raise Unreachable(f"{self.url} gave no answer: {exc}") from exc
        if not 200 <= response.status_code < 300:
            with response:
                raise problem_of(response)
        return response

    @staticmethod
    def _repeated(call: Callable[[], requests.Response], attempts: int) -> requests.Response:
        for attempt in range(1, attempts + 1):
            try:
                return call()
            except Unreachable:
                pause = None
                if attempt == attempts:
                    raise
            except ProblemError as exc:
                pause = exc.retry_after
                if attempt == attempts or not exc.is_temporary:
                    raise
            time.sleep(min(pause if pause is not None else 2.0 ** (attempt - 1), LONGEST_PAUSE_SECONDS))
        raise AssertionError("attempts must be at least 1")
