"""Parses the request body of a retrain: the model, its parameters, and the judged inferences to train on."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from common import person_names, strict_json
from common.exceptions import FieldError
from common.row_scope import EVERYTHING
from common.timestamps import moment
from jobs.requests import JobRequest, Member, is_string, read_request
from ml_proxy.accuracy import FeedbackFilter

VERDICTS, EXAMPLES = "verdicts", "examples"


def read_retrain(body: bytes) -> JobRequest:
    """Checks the members that the gateway knows; the model server validates the others. Raises `BadInput`."""
    return read_request(body, _MEMBERS, _errors)


def wanted_verdicts(value: strict_json.Value) -> FeedbackFilter | None:
    """Returns the filter for the judged inferences to use as examples, or None for none. Raises `ValueError`."""
    verdicts = strict_json.member(value, VERDICTS)
    if verdicts is None or verdicts is False:
        return None
    if verdicts is True:
        return FeedbackFilter(scope=EVERYTHING)
    if not strict_json.is_object(verdicts):
        raise ValueError("neither a boolean nor an object")
    return FeedbackFilter(scope=EVERYTHING, **{name: _condition(name, text) for name, text in verdicts})


def wants_promotion(value: strict_json.Value) -> bool:
    """Whether the new version is to serve whatever the comparison finds. A repeated member counts too."""
    params = [member for name, member in value if name == "params" and strict_json.is_object(member)]
    return any(name == "promote" and member == "always" for each in params for name, member in each)


def _errors(value: strict_json.Value) -> Iterator[FieldError]:
    if any(name == EXAMPLES for name, _ in value):  # many users may read a job's row, so it must not contain inputs
        yield FieldError(
            f"/{EXAMPLES}", f"can't be stored in a job: use {VERDICTS}, or send them in a synchronous POST retrain/"
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
