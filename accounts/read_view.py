"""Views that Django REST framework describes and does not run."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.views import APIView

from accounts.permissions import admit


class PlainRead(APIView):
    """GET and HEAD at a plain view's price; what else is asked, the framework answers."""

    permission: ClassVar[str | None]  # None: nobody is asked who they are
    get: Callable[..., HttpResponseBase]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Admits the caller and calls `get`, whose exceptions are `ExchangeMiddleware`'s to answer."""
        if request.method not in {"GET", "HEAD"}:
            return super().dispatch(request, *args, **kwargs)
        if self.permission is not None:
            admit(request, self.permission)
        return self.get(request, *args, **kwargs)
