"""`/accounts/session/`: signing in and out, and one's own tokens, as JSON for the console.

Django's middleware asks each of these for the token of a form (`X-CSRFToken`), because a session is at stake.
"""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from accounts import local_admin, session_info, tokens
from accounts.models import ApiToken
from accounts.pages.tokens import NewToken
from accounts.scopes import SCOPES
from common.exceptions import BadInput, FieldError, UnknownPath
from common.problem_details import CHALLENGE, Unauthenticated
from common.request_body import read_body, require_method
from common.responses import json_response


class WrongPassword(BadInput):
    """The name or the password is wrong; which of the two is not said."""

    kind = "wrong-password"
    title = "The name or the password is wrong"


@never_cache
@ensure_csrf_cookie
def session(request: HttpRequest) -> HttpResponse:
    """GET: the ways to sign in. POST `{"username", "password"}`: signs in. DELETE: signs out.

    Raises `WrongPassword`, `LockedOut` or `TooManyChecks`.
    """
    require_method(request, "GET", "HEAD", "POST", "DELETE")
    if request.method == "POST":
        return _sign_in(request)
    return _sign_out(request) if request.method == "DELETE" else json_response(_ways(request))


@never_cache
def one_click(request: HttpRequest) -> HttpResponse:
    """Signs in as the generated administrator. Raises `UnknownPath` wherever a password is needed."""
    require_method(request, "POST")
    user = local_admin.for_one_click(request)
    if user is None:
        raise UnknownPath("There is nothing here.")
    auth.login(request, user)
    session_info.set_method(request, session_info.ONE_CLICK)
    return HttpResponse(status=204)


@never_cache
def own_tokens(request: HttpRequest) -> HttpResponse:
    """GET: one's tokens and the scopes that there are. POST `{"name", "scopes", "expires"}`: a new one, shown once."""
    require_method(request, "GET", "HEAD", "POST")
    user = _user(request)
    if request.method == "POST":
        return _new_token(request, user)
    found = ApiToken.objects.filter(user=user, revoked_at=None).order_by("-created_at")
    return json_response({"tokens": [_described(row) for row in found], "scopes": list(SCOPES)})


@never_cache
def own_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """DELETE: ends one of one's own tokens. Raises `UnknownPath` for anybody else's."""
    require_method(request, "DELETE")
    found = ApiToken.objects.filter(pk=token_id, user=_user(request))
    if not found:
        raise UnknownPath("You have no such token.")
    tokens.revoke(found)
    return HttpResponse(status=204)


def _ways(request: HttpRequest) -> dict[str, Any]:
    """What the sign-in form offers beside a name and a password."""
    provider = None
    if settings.OIDC_ISSUER:
        provider = {"name": settings.OIDC_NAME, "url": reverse("openid_connect_login", args=["oidc"])}
    return {
        "one_click": local_admin.for_one_click(request) is not None,
        "provider": provider,
        "contact": settings.SIGN_IN_CONTACT,
        "flower": _flower(request),
    }


def _sign_in(request: HttpRequest) -> HttpResponse:
    given = _read(request, "username", "password")
    user = auth.authenticate(request, username=given["username"], password=given["password"])
    if user is None:
        raise WrongPassword("Check both, or ask for a new password.")
    auth.login(request, user)
    return HttpResponse(status=204)


def _sign_out(request: HttpRequest) -> HttpResponse:
    end_session = session_info.end_session_url(request)
    auth.logout(request)
    return json_response({"end_session": end_session})


def _new_token(request: HttpRequest, user: Any) -> HttpResponse:
    form = NewToken(_read(request, "name", "expires"))
    if not form.is_valid():
        errors = [FieldError(f"/{name}", str(texts[0])) for name, texts in form.errors.items()]
        raise BadInput("The token can't be made.", field_errors=errors)
    given = form.cleaned_data
    row, token = tokens.create(
        user, name=given["name"], scopes=given["scopes"], expires_at=tokens.expiry(given["expires"])
    )
    return json_response({**_described(row), "token": token}, status=201)


def _described(row: ApiToken) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes.split(),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
    }


def _user(request: HttpRequest) -> Any:
    """The user of the session. Raises `Unauthenticated`."""
    if not request.user.is_authenticated:
        raise Unauthenticated("Sign in first.", headers={"WWW-Authenticate": CHALLENGE})
    return request.user


def _read(request: HttpRequest, *texts: str) -> dict[str, Any]:
    """The body's object, in which `texts` are texts. Raises `BadInput`."""
    try:
        value = orjson.loads(read_body(request))
    except orjson.JSONDecodeError as exc:
        raise BadInput("The body is not JSON.") from exc
    if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in texts):
        raise BadInput(f"The body must be an object with the texts {', '.join(texts)}.")
    return value


def _flower(request: HttpRequest) -> str:
    """Flower's URL in DEBUG mode, else blank: in production its URL depends on the deployment."""
    if not settings.DEBUG:
        return ""
    host = urlsplit(f"//{request.get_host()}").hostname or "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.FLOWER_PORT}/"
