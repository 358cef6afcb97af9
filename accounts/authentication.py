"""Authenticates callers of the API: by token, session, or HTTP Basic. Known callers need no database.

The classes are the entries of `DEFAULT_AUTHENTICATION_CLASSES`, the only list of authentication for all paths.
"""

import base64
import binascii
import os
from collections.abc import Callable
from typing import Any

from django.contrib import auth
from django.db import Error, connection
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.callers import Caller
from accounts.credentials import (
    CheckedPassword,
    Confirmed,
    Credential,
    PasswordCredential,
    SessionCredential,
    TokenCredential,
    confirm,
)
from accounts.exceptions import CredentialsUnchecked, TooManyChecks
from accounts.known_callers import KNOWN, Expired
from accounts.lookups import Lookups, Overloaded, TookTooLong
from common.conf import settings
from common.database_errors import trouble
from common.problem_details import CHALLENGE

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
UNKNOWN = "The credentials are not valid. Use a token of this gateway, a session, or a user name and password."

Check = Callable[[], CheckedPassword | None]

_WAITING = max(1, settings.GATEWAY_THREADS // 2)
_LOOK_UPS: Lookups[Caller | None] = Lookups("credentials", threads=4, callers=_WAITING, seconds=3.0, patience=0.25)
# A check takes half a second of processor time. One at a time, and no more than half of the request threads wait.
_PASSWORD_CHECKS: Lookups[Caller | None] = Lookups("passwords", threads=1, callers=_WAITING, seconds=5.0, patience=0.0)


class CallerUser:
    """A caller as Django REST framework's `request.user`; no row of the database belongs to it."""

    is_authenticated = is_active = True
    is_anonymous = False

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.pk = caller.name

    def __str__(self) -> str:
        return self.caller.name

    def get_username(self) -> str:
        """The caller's name."""
        return self.caller.name

    def has_perm(self, permission: str, obj: object = None) -> bool:
        """Whether the caller has the permission."""
        return self.caller.may(permission)


class CallerAuthentication(BaseAuthentication):
    """Recognizes a caller by one kind of credentials."""

    def identify(self, request: HttpRequest) -> Caller | None:
        """The caller; None without credentials of this kind.

        Raises `AuthenticationFailed`, `PermissionDenied`, `CredentialsUnchecked` or `TooManyChecks`.
        """
        raise NotImplementedError

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """As Django REST framework asks for it."""
        caller = self.identify(request._request)  # noqa: SLF001 - the framework's documented way to Django's request
        return None if caller is None else (CallerUser(caller), caller)

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401. Not Basic: browsers would ask for a password, keep it, and send it to any page."""
        return CHALLENGE


class TokenAuthentication(CallerAuthentication):
    """`Authorization: Bearer`, with a token of `accounts.tokens`."""

    def identify(self, request: HttpRequest) -> Caller | None:
        """The token's caller."""
        token = _authorization(request, "bearer")
        return None if token is None else _caller(TokenCredential.of(token), _LOOK_UPS)


class SignedInAuthentication(CallerAuthentication):
    """A session of Django. Methods that change something need the CSRF token."""

    def identify(self, request: HttpRequest) -> Caller | None:
        """The session's caller; None for a session without a user too: the next class may know the caller."""
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if not key:
            return None
        try:
            caller = _caller(SessionCredential(key), _LOOK_UPS)
        except AuthenticationFailed:
            return None
        if request.method not in SAFE_METHODS:
            _CSRF.enforce_csrf(Request(request))
        return caller


class PasswordAuthentication(CallerAuthentication):
    """HTTP Basic. The check of a password is remembered, because it takes half a second of processor time."""

    def identify(self, request: HttpRequest) -> Caller | None:
        """The user."""
        text = _authorization(request, "basic")
        if text is None:
            return None
        username, password = _pair(text)
        credential = PasswordCredential.of(username, password)
        return _caller(credential, _PASSWORD_CHECKS, lambda: _check(request, username, password))


def _authorization(request: HttpRequest, scheme: str) -> str | None:
    """What follows the scheme in the Authorization header; None if it has another scheme."""
    sent, _, rest = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return rest.strip() if sent.lower() == scheme else None


def _caller(credential: Credential, look_ups: Lookups[Caller | None], check: Check = lambda: None) -> Caller:
    try:
        caller = KNOWN.find(credential) or _look_up(credential, look_ups, check)
    except Expired:
        caller = None
    if caller is None:
        raise AuthenticationFailed(UNKNOWN)
    return caller


def _look_up(credential: Credential, look_ups: Lookups[Caller | None], check: Check) -> Caller | None:
    try:
        if connection.in_atomic_block:  # another thread would not see what this transaction wrote, and it may not last
            confirmed = _confirm(credential, check)
            return confirmed[0].caller if confirmed else None
        return look_ups.ask(credential, lambda: _remember(credential, check))
    except Overloaded:
        raise TooManyChecks("Too many callers wait for a check of their credentials. Try again.") from None
    except TookTooLong:
        raise _unchecked("does not answer") from None
    except Error as exc:
        if problem := trouble(exc):
            raise _unchecked(problem) from exc
        raise


def _unchecked(problem: str) -> CredentialsUnchecked:
    return CredentialsUnchecked(
        f"The database {problem}, so credentials can't be checked now. Callers whom this gateway knows are served. "
        "Try again later."
    )


def _confirm(credential: Credential, check: Check) -> tuple[Confirmed, CheckedPassword | None] | None:
    checked = check()
    confirmed = confirm({credential: checked}).get(credential)
    return (confirmed, checked) if confirmed else None


def _remember(credential: Credential, check: Check) -> Caller | None:
    found = _confirm(credential, check)
    if found is None:
        return None
    confirmed, checked = found
    KNOWN.remember(credential, confirmed, checked)
    return confirmed.caller


def _pair(text: str) -> tuple[str, str]:
    """User name and password. Raises `AuthenticationFailed`."""
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        raise AuthenticationFailed("The Basic credentials can't be read. Send base64 of user:password.") from None
    username, colon, password = decoded.partition(":")
    if not colon or "\0" in username:
        raise AuthenticationFailed("The Basic credentials can't be read. Send base64 of user:password.")
    return username, password


def _check(request: HttpRequest, username: str, password: str) -> CheckedPassword | None:
    user = auth.authenticate(request, username=username, password=password)
    return CheckedPassword.of(user) if user else None


def _begin_anew() -> None:
    _LOOK_UPS.reset()
    _PASSWORD_CHECKS.reset()


_CSRF = SessionAuthentication()
os.register_at_fork(after_in_child=_begin_anew)
