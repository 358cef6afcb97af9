"""Who may come in. With API_AUTH=open, anyone and nobody in particular; with `required`, a Django user who may."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from common.conf import settings

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which loads this module, by the settings

SIGNED_IN = ""


def admit(request: HttpRequest, permission: str = SIGNED_IN) -> str:
    """The caller's name, empty where nobody is asked for one; for plain views.

    Raises `NotAuthenticated`, `AuthenticationFailed` or `PermissionDenied`.
    """
    if settings.API_AUTH == "open":
        return ""
    if not hasattr(request, "user"):  # it came past Django's own middleware
        SessionMiddleware(_unused).process_request(request)
        AuthenticationMiddleware(_unused).process_request(request)
    asked = Request(request, authenticators=[BasicAuthentication(), SessionAuthentication()])
    _check(asked.user, permission)
    return str(asked.user.get_username())


def caller_of(request: Request) -> str:
    """The caller's name, for views of Django REST framework, which admitted the caller already."""
    return "" if settings.API_AUTH == "open" else str(request.user.get_username())


def require(request: HttpRequest | Request, permission: str) -> None:
    """Raises `PermissionDenied` where the caller, who was admitted already, may not do this as well."""
    if settings.API_AUTH == "required":
        _check(request.user, permission)


class MayCome(BasePermission):
    """Holds a view to the permission that its `needs` names for the method."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """True, or raises."""
        if settings.API_AUTH == "required":
            needs: dict[str, str] = getattr(view, "needs", {})
            _check(request.user, needs.get(request.method or "", SIGNED_IN))
        return True


def _unused(_: HttpRequest) -> HttpResponse:
    raise NotImplementedError("this middleware is asked for nothing but what it does first")


def _check(user: Any, permission: str) -> None:
    if not user.is_authenticated:
        raise NotAuthenticated("Sign in with HTTP Basic or a session.")
    if permission and not user.has_perm(permission):
        raise PermissionDenied(f"This needs the permission {permission}; an administrator can give it.")
