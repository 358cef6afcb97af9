"""Django's middleware for browsers, faster for the many requests that do not come from a browser.

Each class behaves like its base class, on every path. `docs/adr/0011-one-middleware-list.md` has the measurements.
"""

import re
import weakref
from collections.abc import Callable
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

from corsheaders.middleware import CorsMiddleware as FullCorsMiddleware
from django.conf import settings as django_settings
from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from common import session_expiry
from common.conf import settings

GetResponse = Callable[[HttpRequest], HttpResponse]


class SecurityHeadersMiddleware(SecurityMiddleware):
    """Django's `SecurityMiddleware` and `XFrameOptionsMiddleware` in one; the header fields are computed once."""

    get_response: GetResponse
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        probe = HttpResponse()
        super().process_response(HttpRequest(), probe)
        del probe["Content-Type"]
        self._fields = tuple((name.lower(), (name, value)) for name, value in probe.items())
        self._frames = "X-Frame-Options", django_settings.X_FRAME_OPTIONS.upper()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handles one request."""
        if self.redirect and (redirect := self.process_request(request)):
            return self.process_response(request, redirect)
        return self.process_response(request, self.get_response(request))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Adds the fields that the response does not have yet."""
        if self.sts_seconds:  # Strict-Transport-Security is for requests over TLS only
            response = super().process_response(request, response)
        fields = response.headers._store  # noqa: SLF001 - skips the validation of our own names and values
        for key, field in self._fields:
            fields.setdefault(key, field)
        if not getattr(response, "xframe_options_exempt", False):
            fields.setdefault("x-frame-options", self._frames)
        return response


class CorsMiddleware(FullCorsMiddleware):
    """Parses no header fields for a request without `Origin`; its response gets `Vary` only."""

    def is_enabled(self, request: HttpRequest) -> bool:
        """Whether other origins may call this path."""
        return bool(_pattern(settings.CORS_URLS_REGEX).match(request.path_info)) or self.check_signal(request)

    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Adds the CORS header fields."""
        if "HTTP_ORIGIN" in request.META:
            return super().add_response_headers(request, response)
        if request._cors_enabled:  # type: ignore[attr-defined] # noqa: SLF001 - set by `check_preflight`
            if "Vary" in response:
                patch_vary_headers(response, ("origin",))
            else:
                response.headers["Vary"] = "origin"
        return response


class SignInMiddleware(SessionMiddleware, AuthenticationMiddleware, MessageMiddleware):
    """Django's middleware for sessions, users and messages in one. It does nothing if a request uses none of them.

    Its lazy user refers to the session, not to the request. Django's own refers to the request, which refers to the
    user: that cycle keeps the request and its body in memory until garbage collection.
    """

    get_response: GetResponse
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self._message_storage = import_string(django_settings.MESSAGE_STORAGE)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handles one request."""
        session = self.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        session_holder: Any = SimpleNamespace(session=session)
        lazy: Any = request  # it gets attributes that its type does not declare
        lazy.session = session
        messages = lazy._messages = self._message_storage(weakref.proxy(request))  # noqa: SLF001 - Django's name
        lazy.user = SimpleLazyObject(partial(auth.get_user, session_holder))
        lazy.auser = partial(auth.aget_user, session_holder)
        response = self.get_response(request)
        if messages.used or messages.added_new:
            response = MessageMiddleware.process_response(self, request, response)
        session = request.session
        if session.accessed:
            session_expiry.renew(session)
        if session.accessed or session.modified or settings.SESSION_COOKIE_NAME in request.COOKIES:
            response = SessionMiddleware.process_response(self, request, response)
        return response


@lru_cache(maxsize=4)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
