"""Turns every error into one `application/problem+json` answer (RFC 9457)."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf
from rest_framework.response import Response

from common.exceptions import (
    BadInput,
    DatabaseUnavailable,
    FieldError,
    GatewayError,
    NotJSONMedia,
    UnknownPath,
    WrongMethod,
)
from common.logs import current_request_id

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:ml-proxy:problem:"
CHALLENGE = 'Basic realm="ML Proxy", charset="UTF-8"'


class Unauthenticated(GatewayError):
    """No credentials, or unknown ones."""

    status = HTTPStatus.UNAUTHORIZED
    kind = "not-signed-in"
    title = "Sign in first"


class NotPermitted(GatewayError):
    """Known, but not allowed."""

    status = HTTPStatus.FORBIDDEN
    kind = "not-allowed"
    title = "This user may not do this"


def respond(error: GatewayError) -> HttpResponse:
    """The answer for an error."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + error.kind,
        "title": error.title,
        "status": int(error.status),
        "detail": error.detail,
        "request_id": current_request_id.get(),
    }
    if error.field_errors:
        body["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.field_errors]
    headers = {"Cache-Control": "no-store", **error.headers}
    return HttpResponse(orjson.dumps(body), status=int(error.status), content_type=MEDIA_TYPE, headers=headers)


def as_gateway_error(exc: Exception) -> GatewayError:
    """This project's error for any exception; one that nobody foresaw is logged and told as a 500."""
    if isinstance(exc, GatewayError):
        return exc
    for known, translate in _TRANSLATIONS:
        if isinstance(exc, known):
            return translate(exc)
    log.error("unforeseen %s", type(exc).__name__, exc_info=exc)
    return GatewayError("This is a fault of the gateway. The log tells more under this request_id.")


def handle_api_exception(exc: Exception, context: dict[str, Any]) -> HttpResponse | Response:
    """Django REST framework's handler."""
    return answer(exc, context["request"])


def answer(exc: Exception, request: Any) -> HttpResponse:
    """The answer for what a view raised. Of a fault it tells Django's `got_request_exception`, as Django itself would.

    Error reporters such as Sentry listen to that signal; call this while the exception is being handled.
    """
    error = as_gateway_error(exc)
    if error is not exc and type(error) is GatewayError:
        got_request_exception.send(sender=None, request=request)
    return respond(error)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler404`, and what any path outside the known ones gets."""
    slashed = f"{request.path}/" if not request.path.endswith("/") else None
    hint = f" Paths of the API end with a slash: try {slashed}" if slashed and request.path.startswith("/ml/") else ""
    return respond(UnknownPath(f"There is nothing at {request.path[:200]}.{hint}"))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`."""
    return respond(GatewayError("This is a fault of the gateway. The log tells more under this request_id."))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler400`."""
    return respond(BadInput("The request can't be used."))


def _validation(exc: Any) -> GatewayError:
    return BadInput("The request can't be used.", field_errors=list(_faults(exc.detail, "")))


def _faults(detail: Any, pointer: str) -> Any:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _faults(inner, f"{pointer}/{name}" if pointer else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _faults(inner, pointer)
    else:
        yield FieldError(pointer, str(detail))


_TRANSLATIONS: tuple[tuple[type[Exception], Callable[[Any], GatewayError]], ...] = (
    (drf.NotAuthenticated, lambda exc: Unauthenticated(str(exc.detail), headers={"WWW-Authenticate": CHALLENGE})),
    (
        drf.AuthenticationFailed,
        lambda exc: Unauthenticated(str(exc.detail), headers={"WWW-Authenticate": CHALLENGE}),
    ),
    (drf.PermissionDenied, lambda exc: NotPermitted(str(exc.detail))),
    (PermissionDenied, lambda exc: NotPermitted("This user may not do this.")),
    (drf.MethodNotAllowed, lambda exc: WrongMethod(str(exc.detail))),
    (drf.UnsupportedMediaType, lambda exc: NotJSONMedia(str(exc.detail))),
    (drf.ValidationError, _validation),
    (drf.ParseError, lambda exc: BadInput(str(exc.detail))),
    (drf.NotFound, lambda exc: UnknownPath(str(exc.detail))),
    (Http404, lambda exc: UnknownPath("There is nothing here.")),
    (SuspiciousOperation, lambda exc: BadInput(f"The request can't be used ({type(exc).__name__}).")),
    (OperationalError, lambda exc: DatabaseUnavailable("The database does not answer. Try again soon.")),
    (InterfaceError, lambda exc: DatabaseUnavailable("The database does not answer. Try again soon.")),
)
