"""Parses the request body of feedback."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from common import person_names
from common.exceptions import BadInput, FieldError
from common.json_body import read_object
from common.strict_json import Value
from ml_proxy.models import MAX_LABEL, MAX_NOTE, Feedback

MAX_ERRORS = 20  # reported in one response


@dataclass(frozen=True, kw_only=True)
class FeedbackRequest:
    """A parsed verdict; `label` is None if the doctor gave none."""

    verdict: Feedback.Verdict
    label: str | None = None
    note: str = ""


def read_request(body: bytes) -> FeedbackRequest:
    """Parses a body. Texts are trimmed and normalized to NFC; null counts as missing. Raises `BadInput`."""
    _, value = read_object(body)
    errors = list(islice(_errors(value), MAX_ERRORS))
    if errors:
        raise invalid_feedback(*errors)
    request = FeedbackRequest(**{name: _READERS[name](member) for name, member in value if member is not None})
    if request.verdict is Feedback.Verdict.CORRECT and request.label is None:
        raise invalid_feedback(FieldError("/label", "is missing: give the correct label"))
    return request


def invalid_feedback(*errors: FieldError) -> BadInput:
    """Returns the error for an invalid verdict."""
    return BadInput("The verdict is not valid.", field_errors=errors)


def _errors(value: Value) -> Iterator[FieldError]:
    members: dict[str, Any] = {}
    for name, member in value:
        if name not in _READERS:
            yield FieldError(_pointer(name), f"is unknown; a verdict has {', '.join(_READERS)}")
        elif name in members:
            yield FieldError(f"/{name}", "must be given once")
        members[name] = member
    if members.get("verdict") is None:
        yield FieldError("/verdict", f"is missing: give {_CHOICES}")
    for name, read in _READERS.items():
        try:
            if members.get(name) is not None:
                read(members[name])
        except ValueError as exc:
            yield FieldError(f"/{name}", str(exc))


def _pointer(name: str) -> str:
    """Returns an RFC 6901 pointer. A lone surrogate can't be encoded in a response and becomes a question mark."""
    return "/" + name[:100].encode("utf-8", "replace").decode().replace("~", "~0").replace("/", "~1")


def _verdict(value: Value) -> Feedback.Verdict:
    if type(value) is not str or value not in Feedback.Verdict.values:
        raise ValueError(f"must be {_CHOICES}")
    return Feedback.Verdict(value)


def _note(value: Value) -> str:
    is_blank = type(value) is str and not value.strip()
    return "" if is_blank else person_names.canonical(value, MAX_NOTE)


_CHOICES = " or ".join(f'"{choice}"' for choice in Feedback.Verdict.values)
_READERS: dict[str, Callable[[Value], Any]] = {
    "verdict": _verdict,
    "label": lambda value: person_names.canonical(value, MAX_LABEL),
    "note": _note,
}
