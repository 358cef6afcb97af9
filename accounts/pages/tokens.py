"""One's own API tokens: a new one, shown once, and the end of one."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts import tokens
from accounts.models import ApiToken
from accounts.scopes import SCOPES
from common.exceptions import UnknownPath
from common.page_language import in_callers_language
from common.request_body import require_method


class NewToken(forms.Form):
    """What a new token is for, what it may do, and when it ends. Tokens without an end are the administrator's."""

    name = forms.CharField(
        max_length=100, label=_("What is it for?"), help_text=_("For example: notebook on my computer.")
    )
    scopes = forms.MultipleChoiceField(
        choices=[(name, name) for name in SCOPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("What may it do?"),
        help_text=_("None chosen: all that you may do."),
    )
    expires = forms.ChoiceField(
        choices=[("7d", _("7 days")), ("30d", _("30 days")), ("90d", _("90 days")), ("365d", _("a year"))],
        initial="30d",
        label=_("For how long?"),
    )


@never_cache
@login_required
@in_callers_language
def new_token(request: HttpRequest) -> HttpResponse:
    """Makes a token. The page that answers is the only one that shows it, so it is no redirect."""
    require_method(request, "GET", "HEAD", "POST")
    form = NewToken(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "accounts/new_token.html", {"form": form})
    given, user = form.cleaned_data, _user(request)
    row, token = tokens.create(
        user, name=given["name"], scopes=given["scopes"], expires_at=tokens.expiry(given["expires"])
    )
    return render(request, "accounts/token.html", {"row": row, "token": token})


@never_cache
@login_required
def revoke_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Ends one of one's own tokens. Raises `UnknownPath` for anybody else's."""
    require_method(request, "POST")
    found = ApiToken.objects.filter(pk=token_id, user=_user(request))
    if not found:
        raise UnknownPath("You have no such token.")
    tokens.revoke(found)
    return HttpResponseRedirect(reverse("account"))


def _user(request: HttpRequest) -> Any:
    return request.user
