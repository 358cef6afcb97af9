"""Everything that can go wrong at the door. Each class knows its status, and whether trying again may help.

ProxyError                      500
├─ BadInput                     400   the caller's, with a pointer to each fault
├─ UnknownPath                  404
├─ NoSuchRecord                 404
├─ NoSuchFile                   404   not in the storage, or no link of ours
├─ LinkExpired                  403
├─ WrongMethod                  405
├─ Conflict                     409   another holds what this call wants
├─ BodyTooLarge                 413
├─ NotJSONMedia                 415
├─ KeyReused                    422   an Idempotency-Key with another body
├─ TrackingOff                  404   there is no MLflow here
├─ TrackingError                502   MLflow gave no usable answer
│  ├─ TrackingRefused                 it will not have this very thing
│  └─ TrackingTimeout           504
├─ UpstreamError                502   the model server can't be understood
│  ├─ UpstreamUnreachable             refused, reset, no such host
│  ├─ UpstreamBroken                  truncated or garbled
│  ├─ UpstreamTooLarge                over the cap
│  ├─ UpstreamRedirected
│  ├─ UpstreamNotJSON                 a prediction that can't be recorded
│  └─ UpstreamTimeout           504
└─ Unavailable                  503   this side can't serve just now
   ├─ NoRoom                          no room for the record
   ├─ NotRecorded                     neither journal nor database took the record
   ├─ StorageDown                     where files lie does not answer
   └─ DatabaseUnavailable
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the input: a JSON pointer (RFC 6901) or a parameter's name, and what to do about it."""

    pointer: str
    detail: str


class ProxyError(Exception):
    """The root. `detail` is shown to the caller, so it never holds a payload."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    kind: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong here"
    retry_after: ClassVar[int | None] = None

    def __init__(self, detail: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        if self.retry_after is not None:
            self.headers.setdefault("Retry-After", str(self.retry_after))


class BadInput(ProxyError):
    """The caller's input can't be used; nothing was forwarded and nothing written."""

    status = HTTPStatus.BAD_REQUEST
    kind = "bad-input"
    title = "The request can't be used"


class UnknownPath(ProxyError):
    """There is nothing at this path."""

    status = HTTPStatus.NOT_FOUND
    kind = "unknown-path"
    title = "There is nothing here"


class NoSuchRecord(ProxyError):
    """No inference or job has this id, or the caller may not see it."""

    status = HTTPStatus.NOT_FOUND
    kind = "no-such-record"
    title = "No such record"


class NoSuchFile(ProxyError):
    """The storage has no such file, or not as the log tells of it; or the link is none of ours."""

    status = HTTPStatus.NOT_FOUND
    kind = "no-such-file"
    title = "No such file"


class LinkExpired(ProxyError):
    """The link to a file is too old; history gives a new one."""

    status = HTTPStatus.FORBIDDEN
    kind = "link-expired"
    title = "The link has expired"


class WrongMethod(ProxyError):
    """The path is right, the method is not."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    kind = "wrong-method"
    title = "This path does not take this method"


class Conflict(ProxyError):
    """Another call holds what this one wants."""

    status = HTTPStatus.CONFLICT
    kind = "conflict"
    title = "Another call holds this"


class BodyTooLarge(ProxyError):
    """The body is over MAX_BODY_BYTES."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    kind = "body-too-large"
    title = "The body is too large"


class NotJSONMedia(ProxyError):
    """The body is not JSON by its media type."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    kind = "not-json-media"
    title = "The body must be JSON"


class KeyReused(ProxyError):
    """An Idempotency-Key came again with another body."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    kind = "key-reused"
    title = "This Idempotency-Key belongs to another request"


class UpstreamError(ProxyError):
    """The model server's answer can't be had or can't be passed on."""

    status = HTTPStatus.BAD_GATEWAY
    kind = "upstream"
    title = "The model server gave no usable answer"


class UpstreamUnreachable(UpstreamError):
    """Refused, reset, or no such host. Trying again may help."""

    kind = "upstream-unreachable"


class UpstreamBroken(UpstreamError):
    """Truncated, or not HTTP."""

    kind = "upstream-broken"


class UpstreamTooLarge(UpstreamError):
    """Over MAX_ANSWER_BYTES."""

    kind = "upstream-too-large"


class UpstreamRedirected(UpstreamError):
    """A redirect: the door follows none."""

    kind = "upstream-redirected"


class UpstreamNotJSON(UpstreamError):
    """A 2xx prediction that is not JSON, so that it can't be recorded."""

    kind = "upstream-not-json"


class UpstreamTimeout(UpstreamError):
    """The model exceeded a deadline. Trying again may help."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    kind = "upstream-timeout"
    title = "The model server took too long"


class TrackingOff(ProxyError):
    """MLFLOW_TRACKING_URI is not set."""

    status = HTTPStatus.NOT_FOUND
    kind = "mlflow-off"
    title = "This gateway has no MLflow"


class TrackingError(ProxyError):
    """MLflow can't be reached, or gave no usable answer. Trying again may help."""

    status = HTTPStatus.BAD_GATEWAY
    kind = "mlflow"
    title = "MLflow gave no usable answer"


class TrackingRefused(TrackingError):
    """MLflow will not have this very thing; `code` is its own word for why."""

    kind = "mlflow-refused"

    def __init__(self, code: str) -> None:
        super().__init__(f"MLflow refuses it ({code}).")
        self.code = code


class TrackingTimeout(TrackingError):
    """MLflow exceeded MLFLOW_TOTAL_SECONDS. Trying again may help."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    kind = "mlflow-timeout"
    title = "MLflow took too long"


class Unavailable(ProxyError):
    """This side can't serve just now; trying again may help."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    kind = "unavailable"
    title = "Not available just now"
    retry_after = 5


class NoRoom(Unavailable):
    """No room for the record is left; the model was not called."""

    kind = "no-room"
    title = "No room for the record is left"


class NotRecorded(Unavailable):
    """Neither the journal nor the database took the record, so the answer is withheld."""

    kind = "not-recorded"
    title = "The answer could not be recorded"


class StorageDown(Unavailable):
    """Where files lie does not answer, or not in time."""

    kind = "storage-down"
    title = "The storage does not answer"


class DatabaseUnavailable(Unavailable):
    """The database is needed for this call, and does not answer."""

    kind = "database-unavailable"
    title = "The database does not answer"
