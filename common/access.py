"""Notes who looks at patient data: the hook between views of any app and the access log.

`accounts` registers the function that writes the access log; modules below it call `note`. Without a registered
function, nothing is noted. A note is durable when it returns. If it raises, the answer must not leave.
"""

import logging
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest

from common.exceptions import GatewayError
from common.logs import current_request_id

log = logging.getLogger(__name__)

PATIENT, DOCTOR = "patient_name", "doctor_name"  # attributes of rows that name a person
REMEMBERED = 20_000  # names that one export remembers to have noted; beyond that it may note a name again
CUT_OFF, FAILED = 499, 500  # statuses of an export that did not end: its reader left, or it failed

current_request: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)


@dataclass(frozen=True)
class Subjects:
    """The people that some rows are about, each once, in the order of the rows."""

    patients: tuple[str, ...] = ()
    doctors: tuple[str, ...] = ()


NOBODY = Subjects()


class Note(Protocol):
    """Writes one entry of the access log, as `accounts.access_log.note` does."""

    def __call__(  # noqa: D102 - the class says it
        self,
        request: Any,
        action: str,
        *,
        rows: int = 0,
        patients: Iterable[str] = (),
        doctors: Iterable[str] = (),
        filters: Mapping[str, Any] | None = None,
        status: int = 200,
        reason: str = "",
    ) -> None: ...


_registered: list[Note] = []


def register(writer: Note) -> None:
    """Sets the function that writes the access log."""
    _registered[:] = [writer]


def note(request: Any, action: str, **values: Any) -> None:
    """Notes one access; see `accounts.access_log.note`. If it raises, no answer may leave."""
    for writer in _registered:
        writer(request, action, **values)


def subjects_of(rows: Iterable[Any]) -> Subjects:
    """The people that rows name in their attributes `patient_name` and `doctor_name`, if they have such."""
    patients: dict[str, None] = {}
    doctors: dict[str, None] = {}
    for row in rows:
        if patient := getattr(row, PATIENT, ""):
            patients[patient] = None
        if doctor := getattr(row, DOCTOR, ""):
            doctors[doctor] = None
    return Subjects(tuple(patients), tuple(doctors))


def note_rows(request: Any, action: str, rows: list[Any], filters: Mapping[str, Any] | None = None) -> None:
    """Notes a look at rows: those that they name, and whom the filter asks for even if nothing is found."""
    seen, asked = subjects_of(rows), filters or {}
    note(
        request,
        action,
        rows=len(rows),
        patients=_with(seen.patients, asked.get("patient")),
        doctors=_with(seen.doctors, asked.get("doctor")),
        filters=filters,
    )


class ExportTrail:
    """Notes one export: its begin, the people in each part before that part leaves, and its end.

    The entries share the request id: `{action}` with the filter, `{action}-part` with people that were not noted yet,
    and `{action}-end` with the number of rows. If there is no end, the process was killed in between.
    """

    def __init__(self, request: Any, action: str, filters: Mapping[str, Any]) -> None:
        self._request, self._action, self._filters = request, action, filters
        self._request_id = current_request_id.get()
        self._patients: dict[str, None] = {}
        self._doctors: dict[str, None] = {}
        self._rows, self._has_ended = 0, False

    def begin(self) -> None:
        """Notes that it begins."""
        asked = {"patients": _with((), self._filters.get("patient")), "doctors": _with((), self._filters.get("doctor"))}
        self._note("", filters=self._filters, **asked)

    def add(self, rows: int, subjects: Subjects) -> None:
        """Notes the people in the next part."""
        self.count(rows)
        patients, doctors = _new(subjects.patients, self._patients), _new(subjects.doctors, self._doctors)
        if patients or doctors:
            self._note("-part", patients=patients, doctors=doctors)

    def count(self, rows: int) -> None:
        """Counts rows whose people are noted already."""
        self._rows += rows

    def end(self, status: int = 200) -> None:
        """Notes how it ended, and after how many rows; only once."""
        if self._has_ended:
            return
        self._has_ended = True
        reason = {200: "complete", CUT_OFF: "cut off: the reader left"}.get(status, "cut off: the export failed")
        self._note("-end", rows=self._rows, status=status, reason=reason)

    def break_off(self, status: int) -> None:
        """Notes that it did not end well, if that can be noted: otherwise the log has a begin without an end."""
        try:
            self.end(status)
        except GatewayError as exc:
            log.warning("the end of an export could not be noted: %s", exc.detail)

    def _note(self, suffix: str, **values: Any) -> None:
        token = current_request_id.set(self._request_id)  # the middleware may have reset it
        try:
            note(self._request, f"{self._action}{suffix}", **values)
        finally:
            current_request_id.reset(token)


def _with(names: tuple[str, ...], asked: Any) -> tuple[str, ...]:
    return (asked, *names) if asked and asked not in names else names


def _new(names: Iterable[str], noted: dict[str, None]) -> tuple[str, ...]:
    """The names that were not noted yet. The oldest ones are forgotten, so that memory is bounded."""
    found = tuple(name for name in names if name not in noted)
    noted.update(dict.fromkeys(found))
    while len(noted) > REMEMBERED:
        del noted[next(iter(noted))]
    return found
