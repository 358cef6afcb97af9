"""Middleware for tests with a browser: every request is signed in as the first superuser."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse


class SignedIn:
    """Sets the request's user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.user = User.objects.filter(is_superuser=True).order_by("pk").first() or request.user
        return self._get_response(request)
