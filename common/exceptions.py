"""The gateway's errors. Each class has an HTTP status, and a `Retry-After` if a retry may help.

Each app derives its own errors in its module `exceptions`; `common.problem_details` turns all of them into responses.

GatewayError                      500
├─ BadInput                     400   the caller's fault, with a pointer to each error
├─ CrossOrigin                  403   a page of another origin sent the request
├─ UnknownPath                  404
├─ NoSuchRecord                 404
├─ WrongMethod                  405
├─ BodyTooSlow                  408   the body did not arrive in time
├─ Conflict                     409   another call holds the resource
├─ BodyTooLarge                 413
├─ NotJSONMedia                 415
├─ KeyReused                    422   an Idempotency-Key of another request
├─ TooManyExports               429   the caller's other exports have not ended
├─ TooManyListeners             429   the caller listens to as many jobs as it may
├─ TooManyRequests              429   the caller's limit is used up
└─ Unavailable                  503   the gateway can't serve now
   ├─ Busy                            all places for such requests are taken
   └─ DatabaseUnavailable
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One error in the input: a JSON pointer (RFC 6901) or a parameter's name, and how to fix it."""

    pointer: str
    detail: str


class GatewayError(Exception):
    """The base class. `detail` is sent to the caller, so it never contains a payload."""

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
    """The caller's input is invalid; nothing was forwarded and nothing written."""

    status = HTTPStatus.BAD_REQUEST
    kind = "bad-input"
    title = "The request can't be used"


class CrossOrigin(GatewayError):
    """A page of another origin sent the request."""

    status = HTTPStatus.FORBIDDEN
    kind = "cross-origin"
    title = "Pages of other origins may not do this"


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
    """The path exists, but does not accept this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    kind = "wrong-method"
    title = "This path does not take this method"


class BodyTooSlow(GatewayError):
    """The body did not arrive within BODY_SECONDS, or slower than BODY_BYTES_PER_SECOND."""

    status = HTTPStatus.REQUEST_TIMEOUT
    kind = "body-too-slow"
    title = "The body did not arrive in time"


class Conflict(GatewayError):
    """Another call holds the resource."""

    status = HTTPStatus.CONFLICT
    kind = "conflict"
    title = "Another call holds this"


class BodyTooLarge(GatewayError):
    """The body is larger than the limit of its path."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    kind = "body-too-large"
    title = "The body is too large"


class NotJSONMedia(GatewayError):
    """The body's media type is not JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    kind = "not-json-media"
    title = "The body must be JSON"


class KeyReused(GatewayError):
    """An Idempotency-Key was used again with another path, query or body."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "key-reused"
    title = "This Idempotency-Key belongs to another request"


class TooManyExports(GatewayError):
    """The caller reads as many files as EXPORTS_PER_CALLER allows."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    kind = "too-many-exports"
    title = "Other exports of this caller have not ended"
    retry_after = 10


class TooManyListeners(GatewayError):
    """The caller listens to the events of as many jobs as LISTENERS_PER_CALLER allows."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    kind = "too-many-listeners"
    title = "This caller listens to too many jobs"
    retry_after = 10


class TooManyRequests(GatewayError):
    """The caller's limit is used up; nothing was forwarded and nothing written."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    kind = "too-many-requests"
    title = "Too many requests"


class Unavailable(GatewayError):
    """The gateway can't serve now; a retry may help."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    kind = "unavailable"
    title = "Not available just now"
    retry_after = 5


class Busy(Unavailable):
    """All places for such requests stayed taken for QUEUE_SECONDS; nothing was done."""

    kind = "busy"
    title = "Too many requests of this kind at once"
    retry_after = 2


class DatabaseUnavailable(Unavailable):
    """This call needs the database, which can't do it now: it is down, read-only, full or not migrated."""

    kind = "database-unavailable"
    title = "The database is not available"
