"""Sessions of people end after SESSION_IDLE_SECONDS without a request, and SESSION_SECONDS after the sign-in.

The end is the session's own expiry date, which every read of the session checks. It moves on while the session is in
use, but never past SESSION_SECONDS.
"""

import time
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
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
    if STARTED in session and time.time() - session[_RENEWED] >= settings.SESSION_COOKIE_AGE / _SHARE:
        _extend(session)


def _extend(session: SessionBase) -> None:
    now = time.time()
    left = session[STARTED] + settings.SESSION_SECONDS - now
    session[_RENEWED] = now
    session.set_expiry(max(1, int(min(left, settings.SESSION_COOKIE_AGE))))
