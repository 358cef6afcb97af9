"""Parses the request body of a job: a JSON object, most of which the job kind validates."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from common import strict_json
from common.exceptions import BadInput, FieldError
from common.json_body import read_object

CALLBACK_URL = "callback_url"


@dataclass(frozen=True)
class JobRequest:
    """`params` is the body's JSON text without `callback_url`. An idempotency key is compared by `digest`."""

    params: str
    callback_url: str | None = None
    digest: str = ""

    @property
    def value(self) -> strict_json.Value:
        """`params`, parsed."""
        return strict_json.parse(self.params)


class Member(NamedTuple):
    """A member that a kind validates: its name, the expected type in words, and the check."""

    name: str
    expected: str
    is_valid: Callable[[strict_json.Value], bool]


def is_string(value: strict_json.Value) -> bool:
    """Whether a parsed value is a string. Parsed numbers are a subclass of `str`, hence the exact type check."""
    return type(value) is str


def read_request(
    body: bytes,
    members: Sequence[Member] = (),
    find_errors: Callable[[strict_json.Value], Iterator[FieldError]] = lambda _: iter(()),
) -> JobRequest:
    """Checks `callback_url` and the kind's `members`; `find_errors` yields any further errors.

    Raises `BadInput` with all errors.
    """
    text, value = read_object(body) if body else ("{}", ())
    errors = list(chain(_errors(value, [*members, Member(CALLBACK_URL, "a string", is_string)]), find_errors(value)))
    if errors:
        raise BadInput("The job's request is not valid.", field_errors=errors)
    url = strict_json.member(value, CALLBACK_URL)
    params = text if url is None else strict_json.without(text, CALLBACK_URL)
    return JobRequest(params, url)


def _errors(value: strict_json.Value, members: Sequence[Member]) -> Iterator[FieldError]:
    for name, expected, is_valid in members:
        values = [member for key, member in value if key == name]
        if len(values) > 1:
            yield FieldError(f"/{name}", "must be given once")
        elif values and not is_valid(values[0]):
            yield FieldError(f"/{name}", f"must be {expected}")
