"""Reads of the API at less cost than by Django REST framework's own dispatch, with the same rules."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.views import APIView

from accounts.permissions import api_request


class ReadView(APIView):
    """Answers GET and HEAD by `get`, which takes Django's request; the framework answers all other methods.

    The framework wraps a request and negotiates parsers, renderers and versions, which no read here uses. That takes
    as long as finding a row does. Authentication, permissions, throttles and the exception handler are the view's own,
    which are those of the settings unless the view names others.
    """

    get: Callable[..., HttpResponseBase]

    def head(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As `get`. Django would set this on each view: a reference to itself, for the garbage collector to find."""
        return self.get(request, *args, **kwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The answer; an exception becomes one too."""
        if request.method not in {"GET", "HEAD"}:
            return super().dispatch(request, *args, **kwargs)
        asked = api_request(request, self.authentication_classes)
        try:
            if asked.authenticators:
                self.perform_authentication(asked)
            self.check_permissions(asked)
            self.check_throttles(asked)
            return self.get(request, *args, **kwargs)
        except Exception as exc:  # noqa: BLE001 - as the framework's own dispatch does
            return self.handle_exception(exc)
