"""What a retrain is asked to do: the model, its parameters, and which judged inferences it shall learn from."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from common import person_names, strict_json
from common.exceptions import FieldError
from common.timestamps import moment
from jobs.requests import JobRequest, Member, is_string, read_request
from ml_proxy.accuracy import FeedbackFilter

VERDICTS, EXAMPLES = "verdicts", "examples"


def read_retrain(body: bytes) -> JobRequest:
    """Checks what this side knows of a retrain; other members are the model server's to judge. Raises `BadInput`."""
    return read_request(body, _MEMBERS, _faults)


def wanted_verdicts(value: strict_json.Value) -> FeedbackFilter | None:
    """Which judged inferences a request wants as examples; None for none. Raises `ValueError`."""
    given = strict_json.member(value, VERDICTS)
    if given is None or given is False:
        return None
    if given is True:
        return FeedbackFilter()
    if not strict_json.is_object(given):
        raise ValueError("neither a truth value nor an object")
    return FeedbackFilter(**{name: _condition(name, text) for name, text in given})


def _faults(value: strict_json.Value) -> Iterator[FieldError]:
    if any(name == EXAMPLES for name, _ in value):  # a job's row is shown to many, and must not hold inputs
        yield FieldError(
            f"/{EXAMPLES}", f"can't be kept in a job: ask for {VERDICTS}, or wait for a retrain/ that has them"
        )


def _are_verdicts(value: strict_json.Value) -> bool:
    try:
        wanted_verdicts(((VERDICTS, value),))
    except ValueError:
        return False
    return value is not None


def _condition(name: str, text: strict_json.Value) -> Any:
    if name not in _CONDITIONS or not is_string(text):
        raise ValueError("not a condition")
    return _CONDITIONS[name](text)


_CONDITIONS: Mapping[str, Callable[[str], Any]] = {"model": person_names.exact, "since": moment, "until": moment}
_MEMBERS = (
    Member("model", "a string", is_string),
    Member("params", "an object", strict_json.is_object),
    Member(VERDICTS, "true, false, or an object of model, since and until, times in ISO 8601", _are_verdicts),
)
