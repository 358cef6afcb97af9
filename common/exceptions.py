"""The gateway's errors. Each class knows its HTTP status, and whether trying again may help.

Apps derive their own from these, in a module `exceptions` of theirs; `common.problem_details` answers all of them.

GatewayError                      500
├─ BadInput                     400   the caller's, with a pointer to each fault
├─ UnknownPath                  404
├─ NoSuchRecord                 404
├─ WrongMethod                  405
├─ Conflict                     409   another call holds what this one wants
├─ BodyTooLarge                 413
├─ NotJSONMedia                 415
├─ KeyReused                    422   an Idempotency-Key with another request
└─ Unavailable                  503   this side can't serve just now
   └─ DatabaseUnavailable
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with the input: a JSON pointer (RFC 6901) or a parameter's name, and what to do about it."""

    pointer: str
    detail: str


class GatewayError(Exception):
    """The root. `detail` is shown to the caller, so it never holds a payload."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    kind: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong here"
    retry_after: ClassVar[int | None] = None

    def __init__(
        self, detail: str, *, field_errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field_errors = tuple(field_errors)
        self.headers = dict(headers or {})
        if self.retry_after is not None:
            self.headers.setdefault("Retry-After", str(self.retry_after))


class BadInput(GatewayError):
    """The caller's input can't be used; nothing was forwarded and nothing written."""

    status = HTTPStatus.BAD_REQUEST
    kind = "bad-input"
    title = "The request can't be used"


class UnknownPath(GatewayError):
    """There is nothing at this path."""

    status = HTTPStatus.NOT_FOUND
    kind = "unknown-path"
    title = "There is nothing here"


class NoSuchRecord(GatewayError):
    """No inference or job has this id, or the caller may not see it."""

    status = HTTPStatus.NOT_FOUND
    kind = "no-such-record"
    title = "No such record"


class WrongMethod(GatewayError):
    """The path is right, the method is not."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    kind = "wrong-method"
    title = "This path does not take this method"


class Conflict(GatewayError):
    """Another call holds what this one wants."""

    status = HTTPStatus.CONFLICT
    kind = "conflict"
    title = "Another call holds this"


class BodyTooLarge(GatewayError):
    """The body is over MAX_BODY_BYTES."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    kind = "body-too-large"
    title = "The body is too large"


class NotJSONMedia(GatewayError):
    """The body is not JSON by its media type."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    kind = "not-json-media"
    title = "The body must be JSON"


class KeyReused(GatewayError):
    """An Idempotency-Key came again with another body."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "key-reused"
    title = "This Idempotency-Key belongs to another request"


class Unavailable(GatewayError):
    """This side can't serve just now; trying again may help."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    kind = "unavailable"
    title = "Not available just now"
    retry_after = 5


class DatabaseUnavailable(Unavailable):
    """The database is needed for this call, and does not answer."""

    kind = "database-unavailable"
    title = "The database does not answer"
