"""`/accounts/`: who one is, what one may do, and one's password."""

from typing import Any

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts import session_info
from accounts.callers import Caller, caller_of
from accounts.pages.sign_in import OnlyMethods
from accounts.read_view import ReadView
from common.request_body import require_method
from common.responses import json_response


@csrf_exempt  # it changes nothing, and a wrong method must get a 405
@never_cache
@login_required
def account_page(request: HttpRequest) -> HttpResponse:
    """Shows the account of the signed-in user."""
    require_method(request, "GET", "HEAD")
    user: Any = request.user
    context = {
        "roles": roles(user),
        "method": session_info.method(request),
        "has_password": user.has_usable_password(),
        "contact": settings.SIGN_IN_CONTACT,
    }
    return render(request, "accounts/account.html", context)


class ChangePassword(OnlyMethods, views.PasswordChangeView):
    """Changes one's own password, which ends the user's other sessions."""

    methods = ("GET", "HEAD", "POST")
    http_method_names = ("get", "head", "post")
    template_name = "accounts/password.html"
    success_url = reverse_lazy("account")


class Me(ReadView):
    """`GET me/`: the caller, for the console."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """One JSON object."""
        return json_response(describe(request, caller_of(request)))


def describe(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """The caller as a JSON object. `doctors` null: all doctors."""
    return {
        "name": caller.name,
        "roles": roles(request.user) if caller.name else [],
        "permissions": sorted(caller.permissions),
        "is_superuser": caller.is_superuser,
        "doctors": None if caller.doctors is None else sorted(caller.doctors),
        "signed_in_by": _method(request, caller),
    }


def roles(user: Any) -> list[str]:
    """The names of the user's roles, in order."""
    return list(user.groups.order_by("name").values_list("name", flat=True))


def _method(request: HttpRequest, caller: Caller) -> str:
    if not caller.name:
        return "open"
    if "HTTP_AUTHORIZATION" in request.META:
        return "token" if caller.token_id else "basic"
    return session_info.method(request)
