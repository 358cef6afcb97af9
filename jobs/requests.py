"""What a job is asked to do: a JSON object, most of which is its kind's to judge."""

import hashlib
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
    """`params` is the body's JSON text without `callback_url`, `digest` the SHA-256 of the whole body, in hex."""

    params: str
    callback_url: str | None = None
    digest: str = ""

    @property
    def value(self) -> strict_json.Value:
        """What `params` holds."""
        return strict_json.parse(self.params)


class Member(NamedTuple):
    """A member that a kind knows: what it must be, in words, and whether a value is that."""

    name: str
    what: str
    fits: Callable[[strict_json.Value], bool]


def is_string(value: strict_json.Value) -> bool:
    """Whether a parsed value is a string; a number is a `str` too, of a class of its own."""
    return type(value) is str


def read_request(
    body: bytes,
    members: Sequence[Member] = (),
    faults: Callable[[strict_json.Value], Iterator[FieldError]] = lambda _: iter(()),
) -> JobRequest:
    """Checks `callback_url` and the `members` that the kind knows; `faults` finds what else is wrong.

    Raises `BadInput` with all that is wrong.
    """
    text, value = read_object(body) if body else ("{}", ())
    found = list(chain(_faults(value, [*members, Member(CALLBACK_URL, "a string", is_string)]), faults(value)))
    if found:
        raise BadInput("The job can't be started as it is asked for.", field_errors=found)
    url = strict_json.member(value, CALLBACK_URL)
    params = text if url is None else strict_json.without(text, CALLBACK_URL)
    return JobRequest(params, url, hashlib.sha256(body).hexdigest())


def _faults(value: strict_json.Value, members: Sequence[Member]) -> Iterator[FieldError]:
    for name, what, fits in members:
        given = [member for key, member in value if key == name]
        if len(given) > 1:
            yield FieldError(f"/{name}", "must be given once")
        elif given and not fits(given[0]):
            yield FieldError(f"/{name}", f"must be {what}")
