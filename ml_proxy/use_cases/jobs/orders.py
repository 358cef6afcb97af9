"""What a job is asked to do: a JSON object, most of which is the model server's."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ml_proxy import names, strict_json
from ml_proxy.exceptions import BadInput, Fault
from ml_proxy.moments import moment
from ml_proxy.use_cases.accuracy import Question
from ml_proxy.use_cases.bodies import read_object

CALLBACK_URL, VERDICTS, EXAMPLES = "callback_url", "verdicts", "examples"


@dataclass(frozen=True)
class Order:
    """`params` is the body's JSON text less `callback_url`, `digest` the SHA-256 of the whole body, in hex.

    `wants_verdicts` says whether judged inferences shall be handed over.
    """

    params: str
    callback_url: str | None
    digest: str
    wants_verdicts: bool = False


def read_order(body: bytes) -> Order:
    """Checks what this side knows of a job's body; other members are the model server's to judge.

    Raises `BadInput` with all that is wrong.
    """
    text, value = read_object(body) if body else ("{}", ())
    faults = list(_faults(value))
    if faults:
        raise BadInput("The job can't be started as it is asked for.", faults=faults)
    url = strict_json.member(value, CALLBACK_URL)
    params = text if url is None else strict_json.without(text, CALLBACK_URL)
    return Order(params, url, hashlib.sha256(body).hexdigest(), verdicts_of(value) is not None)


def verdicts_of(value: strict_json.Value) -> Question | None:
    """Which judged inferences a body wants to have handed over; None for none. Raises `ValueError`."""
    given = strict_json.member(value, VERDICTS)
    if given is None or given is False:
        return None
    if given is True:
        return Question()
    if not strict_json.is_object(given):
        raise ValueError("neither a truth value nor an object")
    return Question(**{name: _condition(name, text) for name, text in given})


def _faults(value: strict_json.Value) -> Iterator[Fault]:
    for name, what, fits in _KNOWN:
        given = [member for key, member in value if key == name]
        if len(given) > 1:
            yield Fault(f"/{name}", "must be given once")
        elif given and not fits(given[0]):
            yield Fault(f"/{name}", f"must be {what}")
    if any(name == EXAMPLES for name, _ in value):  # a job's row is shown to many, and must not hold inputs
        yield Fault(f"/{EXAMPLES}", f"can't be kept in a job: ask for {VERDICTS}, or wait for a retrain/ that has them")


def _is_string(value: strict_json.Value) -> bool:
    return type(value) is str  # a number is a str too, of its own class


def _are_verdicts(value: strict_json.Value) -> bool:
    try:
        verdicts_of(((VERDICTS, value),))
    except ValueError:
        return False
    return value is not None


def _condition(name: str, text: strict_json.Value) -> Any:
    if name not in _CONDITIONS or not _is_string(text):
        raise ValueError("not a condition")
    return _CONDITIONS[name](text)


_CONDITIONS: Mapping[str, Callable[[str], Any]] = {"model": names.exact, "since": moment, "until": moment}
_KNOWN = (
    ("model", "a string", _is_string),
    ("params", "an object", strict_json.is_object),
    (CALLBACK_URL, "a string", _is_string),
    (VERDICTS, "true, false, or an object of model, since and until, times in ISO 8601", _are_verdicts),
)
