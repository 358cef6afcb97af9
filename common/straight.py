"""Predictions and look-ups go straight to their views, past what Django does for pages.

They hold no form, no frame, no message and no static file, and whoever signs in by a session is looked up by the view.
What is passed by is a third of the processor's time that a prediction takes outside of asking and recording.
"""

import threading
from collections.abc import Callable, Iterable
from functools import cached_property
from http import HTTPStatus
from typing import Any, cast

from corsheaders.middleware import CorsMiddleware
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished
from django.db import connections
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.urls import ResolverMatch, resolve

from common.problem_details import as_gateway_error, respond

PATHS = ("/ml/v1/predict/", "/ml/v1/history/")

Answering = Callable[[HttpRequest], HttpResponse]


class Handler(WSGIHandler):
    """Django's own, which spares `PATHS` the signals around a request where no database connection hears them.

    By them Django looks for connections that are broken or too old. A prediction without an `Idempotency-Key` and a
    session uses none; a fourteenth of its processor's time went there.
    """

    def __call__(  # type: ignore[override] # the stubs promise more than PEP 3333 asks for
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """One request."""
        if environ.get("PATH_INFO") not in PATHS or _has_connection():
            return super().__call__(environ, start_response)
        response = cast("HttpResponse", self.get_response(self.request_class(environ)))
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or _has_connection():
            request_finished.send(sender=type(self))
        return [response.content]


class _Connected(threading.local):
    """Whether this thread has ever opened a connection; most never do, and need look no further.

    Of one that failed while it was being set up Django does not tell; such a request ends as a 5xx.
    """

    def __init__(self) -> None:
        self.ever = _is_any_open()


def _is_any_open() -> bool:
    return any(one.connection is not None for one in connections.all(initialized_only=True))


_connected = _Connected()


def _note_connection(**_: object) -> None:
    _connected.ever = True


connection_created.connect(_note_connection)


def _has_connection() -> bool:
    """Whether this thread has an open one."""
    return _connected.ever and _is_any_open()


class StraightOn:
    """Answers `PATHS` by their views, with their exceptions as problems; `get_response` answers all else."""

    def __init__(self, get_response: Answering) -> None:
        self._get_response = get_response
        self._for_browsers = CorsMiddleware(_answer)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """One request."""
        match = self._matches.get(request.path_info)
        if match is None:
            return self._get_response(request)
        request.resolver_match = match
        answer = self._for_browsers if "HTTP_ORIGIN" in request.META else _answer
        return answer(request)  # type: ignore[return-value] # the stubs think of asynchronous ones

    @cached_property
    def _matches(self) -> dict[str, ResolverMatch]:
        return {path: resolve(path) for path in PATHS}


def _answer(request: HttpRequest) -> HttpResponse:
    assert request.resolver_match is not None  # noqa: S101 - set above
    try:
        response = request.resolver_match.func(request)
        return response.render() if isinstance(response, SimpleTemplateResponse) else response
    except Exception as exc:  # noqa: BLE001 - as Django's own handler does
        return respond(as_gateway_error(exc))
