"""Everything that can go wrong here. Each class knows its HTTP status.

ModelServerError        500
├─ NotJSON              400   the body can't be read
├─ UnknownModel         404   or an unknown version of a known one
├─ CallerGone           408   for the log: nobody reads the answer
├─ Busy                 409   another training runs
├─ Refused              409   a version that can't serve, asked for by name
├─ Unprocessable        422   read, but with faults; names each field
├─ BadImage             422   a picture that can't be used; the handler names its field
├─ KeyReused            422   an Idempotency-Key with another body
├─ NotSaved             503   the disk did not take the new version
├─ NotServing           503   none of a model's versions can serve
├─ Stopping             503   the server ends; trying again may help
└─ BrokenModel          500   a version on disk that can't be served; never leaves the shelf
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, ClassVar


@dataclass(frozen=True)
class Fault:
    """One field that can't be used: its dotted path in the body, and what it must be. Never its value."""

    field: str
    detail: str


class ModelServerError(Exception):
    """The root. `error` is shown to the caller, so it never holds what the caller sent."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": self.error}


class NotJSON(ModelServerError):
    """The body is not JSON in UTF-8, not an object, or nested too deeply to be read."""

    status = HTTPStatus.BAD_REQUEST


class UnknownModel(ModelServerError):
    """No model of this name is served here, or it has no such version."""

    status = HTTPStatus.NOT_FOUND


class CallerGone(ModelServerError):
    """Whoever asked for a training hung up, which cancelled it."""

    status = HTTPStatus.REQUEST_TIMEOUT


class Busy(ModelServerError):
    """One training at a time."""

    status = HTTPStatus.CONFLICT


class Refused(ModelServerError):
    """This version can't serve; says why. Another one goes on."""

    status = HTTPStatus.CONFLICT


class Unprocessable(ModelServerError):
    """The body was read; some of its fields can't be used."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, error: str, faults: Sequence[Fault]) -> None:
        super().__init__(error)
        self.faults = tuple(faults)

    def as_json(self) -> dict[str, Any]:
        """The error and its fields."""
        return {"error": self.error, "fields": [asdict(fault) for fault in self.faults]}


class BadImage(ModelServerError):
    """What was sent as a picture can't be used; `error` says what it must be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class KeyReused(ModelServerError):
    """An Idempotency-Key came again with another body."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotSaved(ModelServerError):
    """The new version could not be written; the old one serves on."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class NotServing(ModelServerError):
    """Every version of this model was refused; the log and the list of models say why."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class Stopping(ModelServerError):
    """The server was told to end."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class BrokenModel(ModelServerError):
    """A version's folder is damaged or incomplete."""
