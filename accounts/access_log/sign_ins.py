"""Notes sign-ins, sign-outs and failed sign-ins of people, whatever page or method they use.

Django's signals are the one place that all of them pass: the admin, the console's pages and other backends.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import Error

from accounts.access_log.notes import note_of_account
from accounts.access_log.unknown_callers import UNKNOWN, UnknownCallers
from common.access import current_request
from common.exceptions import Unavailable
from common.normalization import normalized

_unknown = UnknownCallers()


def connect() -> None:
    """Connects the signals."""
    user_logged_in.connect(_on_sign_in, dispatch_uid="accounts.access_log.sign_in")
    user_logged_out.connect(_on_sign_out, dispatch_uid="accounts.access_log.sign_out")
    user_login_failed.connect(_on_failure, dispatch_uid="accounts.access_log.failure")


def _on_sign_in(request: Any, user: Any, **_: Any) -> None:
    """If it can't be noted, the session ends, and the error becomes the answer."""
    try:
        note_of_account(_plain(request), "session.sign-in", user.get_username())
    except Unavailable:
        request.session.flush()
        raise


def _on_sign_out(request: Any, user: Any, **_: Any) -> None:
    if user is not None:
        note_of_account(_plain(request), "session.sign-out", user.get_username())


def _on_failure(credentials: Mapping[str, Any], request: Any = None, **_: Any) -> None:
    """The name is kept only if it is an account's: people type passwords into the field for the name."""
    account = _existing(credentials)
    if account:
        note_of_account(
            _plain(request), "session.sign-in-failed", account, status=401, reason="wrong password, or not active"
        )
    elif (reason := _unknown.reason("the name is no account's")) is not None:
        note_of_account(_plain(request), "session.sign-in-failed", UNKNOWN, status=401, reason=reason)


def _existing(credentials: Mapping[str, Any]) -> str:
    """The account's name; blank if no account has it, or if the database is away."""
    model: Any = get_user_model()
    name = credentials.get(model.USERNAME_FIELD) or credentials.get("username")
    if not isinstance(name, str):
        return ""
    try:
        found = model.objects.filter(**{model.USERNAME_FIELD: normalized("NFKC", name)}).first()
    except (Error, ValueError):  # ValueError: NUL
        return ""
    return str(found.get_username()) if found else ""


def _plain(request: Any) -> Any:
    """The request if there is one: Django's test client signs in without."""
    return request if request is not None else current_request.get()
