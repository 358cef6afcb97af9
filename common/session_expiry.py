"""Sessions of people end after SESSION_IDLE_SECONDS without a request, and SESSION_SECONDS after the sign-in.

The end is the expiry date in the session's row, which every look-up of the session checks. It moves on while the
session is in use, but never past SESSION_SECONDS. The cookie itself ends with the browser.
"""

import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from common.conf import settings

STARTED = "signed_in_at"  # seconds since 1970
_RENEWED = "renewed_at"
_SHARE = 10  # a session is written at most this often per idle period


def start(request: HttpRequest, **_: Any) -> None:
    """A receiver of Django's `user_logged_in`."""
    request.session[STARTED] = time.time()
    _extend(request.session)


def renew(session: SessionBase) -> None:
    """Moves the end on, if somebody is signed in and the last time was long enough ago."""
    if STARTED in session and time.time() - session[_RENEWED] >= interval():
        _extend(session)


def renew_used(keys: Collection[str]) -> None:
    """Moves the ends of sessions on that callers of the API use, beside their requests. Raises database errors."""
    for row in Session.objects.filter(session_key__in=keys):
        started = row.get_decoded().get(STARTED)
        if started is not None:
            end = datetime.now(UTC) + timedelta(seconds=_seconds_left(started))
            Session.objects.filter(pk=row.pk, expire_date__lt=end).update(expire_date=end)


def interval() -> float:
    """The seconds between two renewals of a session."""
    return settings.SESSION_COOKIE_AGE / _SHARE


def _extend(session: SessionBase) -> None:
    session[_RENEWED] = time.time()
    left = _seconds_left(session[STARTED])
    if left < settings.SESSION_COOKIE_AGE:
        session.set_expiry(left)


def _seconds_left(started: float) -> int:
    left = started + settings.SESSION_SECONDS - time.time()
    return max(1, int(min(left, settings.SESSION_COOKIE_AGE)))
