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
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from common import session_expiry
from common.api_paths import is_api
from common.conf import settings
from common.content_security_policy import DATA, PAGE, PERMISSIONS_POLICY

_HSTS = "Strict-Transport-Security"
_NO_TYPE = ("Content-Type", "")
_PAGE_POLICY, _DATA_POLICY = ("Content-Security-Policy", PAGE), ("Content-Security-Policy", DATA)

GetResponse = Callable[[HttpRequest], HttpResponse]


class SecurityHeadersMiddleware(SecurityMiddleware):
    """Django's `SecurityMiddleware` and `XFrameOptionsMiddleware` in one, and a policy for each response.

    The header fields are computed once.
    """

    get_response: GetResponse
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        probe = HttpResponse()
        super().process_response(_RequestOverTLS(), probe)
        del probe["Content-Type"]
        self._tls_field = _HSTS, probe.get(_HSTS, "")
        del probe[_HSTS]
        probe["Permissions-Policy"] = PERMISSIONS_POLICY
        self._fields = tuple((name.lower(), (name, value)) for name, value in probe.items())
        self._frames = "X-Frame-Options", django_settings.X_FRAME_OPTIONS.upper()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handles one request."""
        if self.redirect and (redirect := self.process_request(request)):
            return self.process_response(request, redirect)
        return self.process_response(request, self.get_response(request))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Adds the fields that the response does not have yet."""
        fields = response.headers._store  # noqa: SLF001 - skips the validation of our own names and values
        if self._tls_field[1] and request.is_secure():
            fields.setdefault("strict-transport-security", self._tls_field)
        is_page = fields.get("content-type", _NO_TYPE)[1].startswith("text/html")
        fields.setdefault("content-security-policy", _PAGE_POLICY if is_page else _DATA_POLICY)
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


class CsrfMiddleware(CsrfViewMiddleware):
    """Leaves the API to its authentication, which checks the token of a session on every path of the API.

    So an unknown path is a 404 and a wrong method a 405, as problems, and no body is read to find a form's token.
    """

    def process_view(
        self, request: HttpRequest, callback: Any, callback_args: tuple[Any, ...], callback_kwargs: dict[str, Any]
    ) -> HttpResponseForbidden | None:
        """The refusal of a page's form without its token."""
        if is_api(request.path_info):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)


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


class _RequestOverTLS(HttpRequest):
    def is_secure(self) -> bool:
        return True


@lru_cache(maxsize=4)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
