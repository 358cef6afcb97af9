"""`/accounts/oidc/login/` and `/accounts/oidc/callback/`."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import requests
from allauth.core.context import request_context
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts import session_info
from accounts.oidc.exceptions import NoAccount, ProviderBusy, ProviderSignInError, ProviderUnavailable
from accounts.oidc.provider import ID, Callback, Flow
from common.logs import current_request_id
from common.page_language import in_callers_language
from common.request_body import require_method

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]

_calls = threading.BoundedSemaphore(max(2, settings.GATEWAY_THREADS // 4))  # other threads stay free for other requests


def _with_pages_for_errors(view: View) -> View:
    """Does what allauth's middleware does, for this view only, and shows a page for each error."""

    @csrf_exempt  # it takes GET only; the state protects the callback
    @never_cache
    @in_callers_language
    @wraps(view)
    def wrapped(request: Any, **kwargs: Any) -> HttpResponseBase:
        require_method(request, "GET")
        request.allauth = SimpleNamespace()
        try:
            with request_context(request), _one_of_few(), _translated_errors():
                return view(request, **kwargs)
        except ProviderSignInError as exc:
            return _page(request, exc)

    return wrapped


@_with_pages_for_errors
def begin(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Sends the browser to the identity provider."""
    provider = get_adapter().get_provider(request, ID)
    response: HttpResponseBase = provider.redirect(request, "login", next_url=_safe_next(request))
    return response


@_with_pages_for_errors
def callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Signs in whom the identity provider names."""
    flow = Flow(request, ID)
    response: HttpResponseBase = Callback.adapter_view(flow)(request)
    user: Any = request.user
    if not user.is_superuser and not user.groups.exists():
        response = HttpResponseRedirect(reverse("account"))  # it says whom to ask
    if end_session := flow.openid_config.get("end_session_endpoint"):
        home = request.build_absolute_uri(reverse("login"))
        query = urlencode({"client_id": settings.OIDC_CLIENT_ID, "post_logout_redirect_uri": home})
        session_info.set_end_session_url(request, f"{end_session}?{query}")
    return response


def _safe_next(request: HttpRequest) -> str:
    """Where to go afterwards: a page of this gateway."""
    url = request.GET.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if url and is_safe else settings.LOGIN_REDIRECT_URL


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _calls.acquire(blocking=False):
        raise ProviderBusy("too many sign-ins wait for the identity provider")
    try:
        yield
    finally:
        _calls.release()


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, OAuth2Error) as exc:
        raise ProviderUnavailable(f"a call of the identity provider failed ({type(exc).__name__})") from exc
    except IntegrityError as exc:
        raise NoAccount("another sign-in of the same person was faster", detail=gettext("Try again.")) from exc


def _page(request: HttpRequest, error: ProviderSignInError) -> HttpResponse:
    log.warning("sign-in with the identity provider failed: %s", error.reason)
    user_login_failed.send(sender=__name__, credentials={"username": ""}, request=request)
    context = {
        "detail": error.detail,
        "provider": gettext(settings.OIDC_NAME),
        "contact": gettext(settings.SIGN_IN_CONTACT),
        "request_id": current_request_id.get(),
    }
    return render(request, "accounts/provider_error.html", context, status=error.status)
