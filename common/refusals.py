"""Answers requests that were refused before Django, such as a body that is too large or arrives too slowly.

They pass the same middleware as others, so each has a request id, a line in the access log and a count in the metrics.
"""

from collections.abc import Callable
from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from common.problem_details import respond

REFUSAL = "ml_proxy.refusal"  # in the WSGI environment: a `GatewayError`


class RefusalMiddleware:
    """Responds with the error in `REFUSAL`, if there is one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handles one request."""
        error = request.META.get(REFUSAL)
        if error is None:
            return self._get_response(request)
        with suppress(Resolver404):
            request.resolver_match = resolve(request.path_info)  # the metrics count by route
        return respond(error)
