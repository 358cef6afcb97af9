"""Turns every error into an `application/problem+json` response (RFC 9457)."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions as drf
from rest_framework.response import Response

from common.api_paths import MAX_SHOWN, meant
from common.database_errors import trouble
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
CHALLENGE = 'Bearer realm="ML Proxy"'  # not Basic: browsers would ask for a password and keep it


class Unauthenticated(GatewayError):
    """The credentials are missing or unknown."""

    status = HTTPStatus.UNAUTHORIZED
    kind = "not-signed-in"
    title = "Sign in first"


class NotPermitted(GatewayError):
    """The user lacks the permission."""

    status = HTTPStatus.FORBIDDEN
    kind = "not-allowed"
    title = "This user may not do this"


def respond(error: GatewayError) -> HttpResponse:
    """The response for an error."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + error.kind,
        "title": error.title,
        "status": int(error.status),
        "detail": error.detail,
        "request_id": current_request_id.get(),
    }
    if error.field_errors:
        body["errors"] = [{"pointer": item.pointer, "detail": item.detail} for item in error.field_errors]
    headers = {"Cache-Control": "no-store", **error.headers}
    return HttpResponse(orjson.dumps(body), status=int(error.status), content_type=MEDIA_TYPE, headers=headers)


def as_gateway_error(exc: Exception) -> GatewayError:
    """The gateway's error for any exception. An unexpected exception is logged and becomes a 500."""
    if isinstance(exc, GatewayError):
        return exc
    if problem := trouble(exc):
        return DatabaseUnavailable(f"The database {problem}. Try again later.")
    for known, translate in _TRANSLATIONS:
        if isinstance(exc, known):
            return translate(exc)
    log.error("unexpected %s", type(exc).__name__, exc_info=exc)
    return GatewayError("This is an error in the gateway. Its log has more under this request_id.")


def handle_api_exception(exc: Exception, context: dict[str, Any]) -> HttpResponse | Response:
    """Django REST framework's exception handler."""
    return answer(exc, context["request"])


def answer(exc: Exception, request: Any) -> HttpResponse:
    """The response for an exception of a view. Unexpected ones send Django's signal `got_request_exception`.

    Error reporters such as Sentry receive that signal. Call this while the exception is being handled.
    """
    error = as_gateway_error(exc)
    if error is not exc and type(error) is GatewayError:
        got_request_exception.send(sender=None, request=request)
    return respond(error)


@csrf_exempt  # there is nothing that a form could change, and a program must get a 404
def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler404`, and the view for all unknown paths."""
    found = meant(request.path_info, page_not_found)
    hint = f" Did you mean {found}?" if found else ""
    return respond(UnknownPath(f"There is nothing at {request.path[:MAX_SHOWN]}.{hint}"))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`."""
    return respond(GatewayError("This is an error in the gateway. Its log has more under this request_id."))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler400`."""
    return respond(BadInput("The request can't be used."))


def _validation(exc: Any) -> GatewayError:
    return BadInput("The request can't be used.", field_errors=list(_field_errors(exc.detail, "")))


def _field_errors(detail: Any, pointer: str) -> Any:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _field_errors(inner, f"{pointer}/{name}" if pointer else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _field_errors(inner, pointer)
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
)
