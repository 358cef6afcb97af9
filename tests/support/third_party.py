"""Middleware and an authentication class, as third parties write them."""

import weakref
from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

GetResponse = Callable[[HttpRequest], HttpResponse]


class RefuseAll:
    """Refuses every request."""

    def __init__(self, get_response: GetResponse) -> None:
        """Ignores `get_response`."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("refused", status=418)


class Witness:
    """Records the calls of middleware hooks, and weak references to requests."""

    seen: ClassVar[list[str]] = []
    requests: ClassVar[list["weakref.ref[HttpRequest]"]] = []

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(weakref.ref(request))
        response = self._get_response(request)
        self.seen.append(f"{response.status_code}")
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        assert request.resolver_match is not None
        self.seen.append(request.resolver_match.view_name)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        self.seen.append(type(exception).__name__)


class OneToken(BaseAuthentication):
    """Accepts one bearer token, for a superuser; needs no database."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if scheme != b"Bearer":
            return None
        if token != b"right":
            raise AuthenticationFailed("The token is unknown.")
        return User(username="service", is_superuser=True), None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
