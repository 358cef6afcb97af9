"""Authentication and permissions. API_AUTH=open admits anonymous callers; `required` admits permitted callers."""

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.settings import api_settings

from accounts.callers import ANYONE, Caller, caller_of, caller_of_user
from common.conf import settings

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it loads this module through the settings

SIGNED_IN = ""


def authorize(request: HttpRequest, permission: str = SIGNED_IN) -> Caller:
    """Authenticates the caller of a view outside Django REST framework; `caller_of` then returns the same caller.

    Raises `NotAuthenticated`, `AuthenticationFailed`, `PermissionDenied`, or an error of `accounts.exceptions`.
    """
    caller = ANYONE if settings.API_AUTH == "open" else _identify(request)
    _set_caller(request, caller)
    if permission and not caller.may(permission):
        _refuse(request, permission)
    return caller


def api_request(request: HttpRequest, classes: Iterable[type[BaseAuthentication]]) -> Request:
    """The request for Django REST framework; its `user` is the one that the first of `classes` recognizes.

    The first access to `user` authenticates and sets `request.user` too. With API_AUTH=open it is the anonymous user.
    """
    authenticators = () if settings.API_AUTH == "open" else _authenticators(tuple(classes))
    api_call = Request(request, authenticators=authenticators)
    del api_call.parser_context["request"]  # a reference to itself would keep the request until garbage collection
    return api_call


def require(request: HttpRequest | Request, permission: str) -> None:
    """Raises `PermissionDenied` if the authenticated caller lacks the permission."""
    if not caller_of(request).may(permission):
        _refuse(request, permission)


class PermissionLacking(PermissionDenied):
    """The caller lacks a permission. The refusal is in the access log."""


class HasPermission(BasePermission):
    """Requires the permission that the view's `needs` names for the method, and tells `caller_of` who calls."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """True. Raises `NotAuthenticated` or `PermissionDenied`."""
        caller = ANYONE if settings.API_AUTH == "open" else _caller_of_framework(request)
        _set_caller(request._request, caller)  # noqa: SLF001 - the framework's documented way to Django's request
        needs: dict[str, str] = getattr(view, "needs", {})
        permission = needs.get(request.method or "", SIGNED_IN)
        if permission and not caller.may(permission):
            _refuse(request, permission)
        return True


@lru_cache
def _authenticators(classes: tuple[type[BaseAuthentication], ...]) -> tuple[BaseAuthentication, ...]:
    """One instance of each class serves all requests, because they keep no state of a request."""
    return tuple(kind() for kind in classes)


def _identify(request: HttpRequest) -> Caller:
    """The caller by the first class of the settings that recognizes one; our own classes need no framework request."""
    for each in _authenticators(tuple(api_settings.DEFAULT_AUTHENTICATION_CLASSES)):
        identify = getattr(each, "identify", None)
        if identify is None:
            return _caller_of_framework(api_request(request, api_settings.DEFAULT_AUTHENTICATION_CLASSES))  # type: ignore[arg-type]
        caller: Caller | None = identify(request)
        if caller is not None:
            return caller
    raise _anonymous()


def _caller_of_framework(request: Request) -> Caller:
    user: Any = request.user
    if not user.is_authenticated:
        raise _anonymous()
    found = getattr(user, "caller", None)
    return found if isinstance(found, Caller) else caller_of_user(user)


def _set_caller(request: Any, caller: Caller) -> None:
    request.caller = caller


def _anonymous() -> NotAuthenticated:
    return NotAuthenticated("Send a token (Authorization: Bearer), sign in, or use HTTP Basic.")


def _refuse(request: HttpRequest | Request, permission: str) -> NoReturn:
    from accounts.access_log import note_refusal  # noqa: PLC0415 - models load once the apps are ready

    note_refusal(request, "access.refused", status=403, reason=f"lacks {permission}")
    raise PermissionLacking(f"This needs the permission {permission}; an administrator can give it.")
