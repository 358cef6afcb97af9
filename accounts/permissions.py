"""Who may come in. With API_AUTH=open, anyone and nobody in particular; with `required`, a Django user who may."""

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
    from rest_framework.views import APIView  # which loads this module, by the settings

SIGNED_IN = ""


def authorize(request: HttpRequest, permission: str = SIGNED_IN) -> str:
    """The caller's name, empty where nobody is asked for one; for plain views.

    Raises `NotAuthenticated`, `AuthenticationFailed` or `PermissionDenied`.
    """
    if settings.API_AUTH == "open":
        return ""
    asked = api_request(request, api_settings.DEFAULT_AUTHENTICATION_CLASSES)  # type: ignore[arg-type] # not names
    _check(asked.user, permission)
    return str(asked.user.get_username())


def api_request(request: HttpRequest, classes: Iterable[type[BaseAuthentication]]) -> Request:
    """The request as Django REST framework sees it; its `user` is the one that the first of `classes` recognizes.

    The first look at `user` authenticates and sets `request.user` too. With API_AUTH=open it is the anonymous user.
    It raises `AuthenticationFailed`, or `PermissionDenied` where a session comes without its CSRF token.
    """
    authenticators = () if settings.API_AUTH == "open" else _authenticators(tuple(classes))
    made = Request(request, authenticators=authenticators)
    del made.parser_context["request"]  # itself: for the garbage collector to find, with all that a request holds
    return made


@lru_cache
def _authenticators(classes: tuple[type[BaseAuthentication], ...]) -> tuple[BaseAuthentication, ...]:
    """One of each for all requests of this process: they keep nothing of a request."""
    return tuple(made() for made in classes)


def caller_of(request: Request) -> str:
    """The caller's name, for views of Django REST framework, which admitted the caller already."""
    return "" if settings.API_AUTH == "open" else str(request.user.get_username())


def require(request: HttpRequest | Request, permission: str) -> None:
    """Raises `PermissionDenied` where the caller, who was admitted already, may not do this as well."""
    if settings.API_AUTH == "required":
        _check(request.user, permission)


class HasPermission(BasePermission):
    """Holds a view to the permission that its `needs` names for the method."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """True, or raises."""
        if settings.API_AUTH == "required":
            needs: dict[str, str] = getattr(view, "needs", {})
            _check(request.user, needs.get(request.method or "", SIGNED_IN))
        return True


def _check(user: Any, permission: str) -> None:
    if not user.is_authenticated:
        raise NotAuthenticated("Sign in with HTTP Basic or a session.")
    if permission and not user.has_perm(permission):
        raise PermissionDenied(f"This needs the permission {permission}; an administrator can give it.")
