"""What a doctor says of an inference, as a request's body says it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from common import person_names
from common.exceptions import BadInput, FieldError
from common.json_body import read_object
from common.strict_json import Value
from ml_proxy.models import MAX_LABEL, MAX_NOTE, Feedback

MAX_FAULTS = 20  # told at once


@dataclass(frozen=True, kw_only=True)
class FeedbackRequest:
    """A verdict that is not tied to an inference yet: `label` is there where the doctor named one."""

    verdict: Feedback.Verdict
    label: str | None = None
    note: str = ""


def read_request(body: bytes) -> FeedbackRequest:
    """Texts are trimmed and in NFC; null is as good as none. Raises `BadInput` with what is wrong."""
    _, value = read_object(body)
    faults = list(islice(_faults(value), MAX_FAULTS))
    if faults:
        raise refused(*faults)
    said = FeedbackRequest(**{name: _READERS[name](given) for name, given in value if given is not None})
    if said.verdict is Feedback.Verdict.CORRECT and said.label is None:
        raise refused(FieldError("/label", "is missing: it is what the model should have said"))
    return said


def refused(*faults: FieldError) -> BadInput:
    """What a verdict that can't be taken is answered with."""
    return BadInput("The verdict can't be taken as it is.", field_errors=faults)


def _faults(value: Value) -> Iterator[FieldError]:
    given: dict[str, Any] = {}
    for name, member in value:
        if name not in _READERS:
            yield FieldError(_pointer(name), f"is unknown here; a verdict takes {', '.join(_READERS)}")
        elif name in given:
            yield FieldError(f"/{name}", "must be given once")
        given[name] = member
    if given.get("verdict") is None:
        yield FieldError("/verdict", f"is missing: {_WORDS}")
    for name, read in _READERS.items():
        try:
            if given.get(name) is not None:
                read(given[name])
        except ValueError as exc:
            yield FieldError(f"/{name}", str(exc))


def _pointer(name: str) -> str:
    """RFC 6901; a lone surrogate, which no answer can hold, becomes a question mark."""
    return "/" + name[:100].encode("utf-8", "replace").decode().replace("~", "~0").replace("/", "~1")


def _word(value: Value) -> Feedback.Verdict:
    if type(value) is not str or value not in Feedback.Verdict.values:
        raise ValueError(f"must be {_WORDS}")
    return Feedback.Verdict(value)


def _note(value: Value) -> str:
    is_blank = type(value) is str and not value.strip()
    return "" if is_blank else person_names.canonical(value, MAX_NOTE)


_WORDS = " or ".join(f'"{word}"' for word in Feedback.Verdict.values)
_READERS: dict[str, Callable[[Value], Any]] = {
    "verdict": _word,
    "label": lambda value: person_names.canonical(value, MAX_LABEL),
    "note": _note,
}
