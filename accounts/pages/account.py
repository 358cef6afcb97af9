"""`/accounts/`: who one is, what one may do, and one's password."""

from typing import Any

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema

from accounts import session_info
from accounts.access_log.source import ACCESS
from accounts.callers import Caller, caller_of, caller_of_user
from accounts.models import ApiToken
from accounts.pages.sign_in import OnlyMethods
from accounts.read_view import ReadView
from common.page_language import in_callers_language
from common.request_body import require_method
from common.responses import json_response

_METHODS = {
    session_info.PASSWORD: _("by password"),
    session_info.ONE_CLICK: _("by one click"),
    session_info.PROVIDER: _("by the identity provider"),
}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_ME = {
    "name": {"type": "string", "description": "The user name; empty for an anonymous caller of an open API."},
    "roles": _TEXTS,
    "permissions": {**_TEXTS, "description": "As app.codename, restricted by the scopes of a token."},
    "is_superuser": {"type": "boolean", "description": "Whether the caller may do everything."},
    "doctors": {"type": ["array", "null"], "items": {"type": "string"}},
    "signed_in_by": {"type": "string", "enum": ["open", "token", "password", "one-click", "oidc"]},
}
_ME_SCHEMA = {"type": "object", "required": list(_ME), "properties": _ME}


@csrf_exempt  # it changes nothing, and a wrong method must get a 405
@never_cache
@login_required
@in_callers_language
def account_page(request: HttpRequest) -> HttpResponse:
    """Shows the account of the signed-in user."""
    require_method(request, "GET", "HEAD")
    user: Any = request.user
    context = {
        "roles": roles(user.get_username()),
        "tokens": ApiToken.objects.filter(user=user, revoked_at=None).order_by("-created_at"),
        "method": _METHODS.get(session_info.method(request), ""),
        "has_password": user.has_usable_password(),
        "contact": gettext(settings.SIGN_IN_CONTACT),
        "may_audit": caller_of_user(user).may(ACCESS.read_permission),
    }
    return render(request, "accounts/account.html", context)


@method_decorator((never_cache, in_callers_language), name="dispatch")
class ChangePassword(OnlyMethods, views.PasswordChangeView):
    """Changes one's own password, which ends the user's other sessions."""

    methods = ("GET", "HEAD", "POST")
    http_method_names = ("get", "head", "post")
    template_name = "accounts/password.html"
    success_url = reverse_lazy("account")


class Me(ReadView):
    """`GET me/`: the caller, for the console."""

    @extend_schema(
        operation_id="describe_caller",
        summary="Who calls, and what they may",
        description="For the console. `doctors` null means all doctors. With API_AUTH=open anybody may do everything.",
        responses={(200, "application/json"): _ME_SCHEMA},
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """One JSON object."""
        caller = caller_of(request)
        if not caller.name and request.user.is_authenticated:
            caller = caller_of_user(request.user)  # signed in, although the API is open
        return json_response(_describe(caller, _method(request, caller)))


def roles(name: str) -> list[str]:
    """The names of a user's roles, in order."""
    return list(Group.objects.filter(user__username=name).order_by("name").values_list("name", flat=True))


def _describe(caller: Caller, method: str) -> dict[str, Any]:
    """The caller as a JSON object. `doctors` null: all doctors."""
    return {
        "name": caller.name,
        "roles": roles(caller.name) if caller.name else [],
        "permissions": sorted(caller.permissions),
        "is_superuser": caller.is_superuser,
        "doctors": None if caller.doctors is None else sorted(caller.doctors),
        "signed_in_by": method,
    }


def _method(request: HttpRequest, caller: Caller) -> str:
    """How the caller is known: open, token, or what the session says. HTTP Basic is a password too."""
    if not caller.name:
        return "open"
    return "token" if caller.token_id else session_info.method(request)
