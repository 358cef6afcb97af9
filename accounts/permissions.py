"""Authentication and permissions. API_AUTH=open admits anonymous callers; `required` admits permitted Django users."""

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.settings import api_settings

from common.conf import settings

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it loads this module through the settings

SIGNED_IN = ""


def authorize(request: HttpRequest, permission: str = SIGNED_IN) -> str:
    """The caller's name, empty with API_AUTH=open; for views outside Django REST framework.

    Raises `NotAuthenticated`, `AuthenticationFailed` or `PermissionDenied`.
    """
    if settings.API_AUTH == "open":
        return ""
    api_call = api_request(request, api_settings.DEFAULT_AUTHENTICATION_CLASSES)  # type: ignore[arg-type] # not names
    _check(api_call.user, permission)
    return str(api_call.user.get_username())


def api_request(request: HttpRequest, classes: Iterable[type[BaseAuthentication]]) -> Request:
    """The request for Django REST framework; its `user` is the one that the first of `classes` recognizes.

    The first access to `user` authenticates and sets `request.user` too. With API_AUTH=open it is the anonymous user.
    That access raises `AuthenticationFailed`, or `PermissionDenied` for a session without its CSRF token.
    """
    authenticators = () if settings.API_AUTH == "open" else _authenticators(tuple(classes))
    api_call = Request(request, authenticators=authenticators)
    del api_call.parser_context["request"]  # a reference to itself would keep the request until garbage collection
    return api_call


@lru_cache
def _authenticators(classes: tuple[type[BaseAuthentication], ...]) -> tuple[BaseAuthentication, ...]:
    """One instance of each class serves all requests, because they keep no state of a request."""
    return tuple(kind() for kind in classes)


def caller_of(request: Request) -> str:
    """The caller's name, for views of Django REST framework, which has authenticated the caller already."""
    return "" if settings.API_AUTH == "open" else str(request.user.get_username())


def require(request: HttpRequest | Request, permission: str) -> None:
    """Raises `PermissionDenied` if the authenticated caller lacks the permission."""
    if settings.API_AUTH == "required":
        _check(request.user, permission)


class HasPermission(BasePermission):
    """Requires the permission that the view's `needs` names for the method."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """True. Raises `NotAuthenticated` or `PermissionDenied`."""
        if settings.API_AUTH == "required":
            needs: dict[str, str] = getattr(view, "needs", {})
            _check(request.user, needs.get(request.method or "", SIGNED_IN))
        return True


def _check(user: Any, permission: str) -> None:
    if not user.is_authenticated:
        raise NotAuthenticated("Sign in with HTTP Basic or a session.")
    if permission and not user.has_perm(permission):
        raise PermissionDenied(f"This needs the permission {permission}; an administrator can give it.")
