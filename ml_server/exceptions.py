"""The errors of the model server. Each class knows its HTTP status.

ModelServerError           500
├─ InvalidJSON             400   the body is not a JSON object
├─ AccessRefused           403   the request may not change a model
├─ UnknownModel            404   there is no such model, or it has no such version
├─ ClientDisconnected      408   for the log only: nobody reads the response
├─ TrainingInProgress      409   another training is running
├─ VersionRefused          409   the requested version can't serve
├─ Unprocessable           422   some fields are invalid; lists each of them
├─ InvalidImage            422   the image is invalid; the handler adds the name of its field
├─ IdempotencyKeyReused    422   the Idempotency-Key was used with another body
├─ SaveFailed              503   the new version could not be written to disk
├─ NoServingVersion        503   no version of the model can serve
├─ ServerStopping          503   the server is stopping; a retry may help
├─ InvalidModel            500   a version's files are damaged or incomplete; callers get VersionRefused instead
└─ InvalidChangePlan       500   for the start only: a model's change plan is wrong
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """An invalid field: its dotted path in the body, and what it must be. Never holds the field's value."""

    field: str
    detail: str


class ModelServerError(Exception):
    """The base class. `error` is sent to the client, so it must not quote what the client sent."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error

    def as_json(self) -> dict[str, Any]:
        """The response body."""
        return {"error": self.error}


class InvalidJSON(ModelServerError):
    """The body is not JSON in UTF-8, is not an object, or is nested too deeply."""

    status = HTTPStatus.BAD_REQUEST


class AccessRefused(ModelServerError):
    """The request would change a model, without the shared secret and from elsewhere than this machine."""

    status = HTTPStatus.FORBIDDEN


class UnknownModel(ModelServerError):
    """There is no model with this name, or the model has no such version."""

    status = HTTPStatus.NOT_FOUND


class ClientDisconnected(ModelServerError):
    """The client that requested a training disconnected, so the training was cancelled."""

    status = HTTPStatus.REQUEST_TIMEOUT


class TrainingInProgress(ModelServerError):
    """Another training is running, and only one may run at a time."""

    status = HTTPStatus.CONFLICT


class VersionRefused(ModelServerError):
    """The requested version can't serve; the message gives the reason. The serving version is not affected."""

    status = HTTPStatus.CONFLICT


class Unprocessable(ModelServerError):
    """The body was parsed, but some of its fields are invalid."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, error: str, field_errors: Sequence[FieldError]) -> None:
        super().__init__(error)
        self.field_errors = tuple(field_errors)

    def as_json(self) -> dict[str, Any]:
        """The response body: the error and its fields."""
        return {"error": self.error, "fields": [asdict(each) for each in self.field_errors]}


class InvalidImage(ModelServerError):
    """The image is invalid; `error` says what it must be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class IdempotencyKeyReused(ModelServerError):
    """The Idempotency-Key was used before with another body."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class SaveFailed(ModelServerError):
    """The new version could not be written to disk. The serving version has not changed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class NoServingVersion(ModelServerError):
    """Every version of this model was refused. The log and `GET /api/v1/models` give the reasons."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class ServerStopping(ModelServerError):
    """The server received a signal to stop."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class InvalidModel(ModelServerError):
    """A version's files are damaged or incomplete."""


class InvalidChangePlan(ModelServerError):
    """A `change_plan.json` is no change plan, or does not fit its model. The server does not start with it."""
