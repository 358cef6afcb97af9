"""What a job is asked to do: a JSON object, most of which is the model server's."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ml_proxy import strict_json
from ml_proxy.exceptions import BadInput, Fault
from ml_proxy.use_cases.bodies import read_object

CALLBACK_URL = "callback_url"
_MARK = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{},]', re.DOTALL)


@dataclass(frozen=True)
class Order:
    """`params` is the JSON text for the model server, `digest` the SHA-256 of the whole body, in hex."""

    params: str
    callback_url: str | None
    digest: str


def read_order(body: bytes) -> Order:
    """Checks what this side knows of a job's body; other members are the model server's to judge.

    Raises `BadInput` with all that is wrong.
    """
    text, value = read_object(body) if body else ("{}", ())
    faults = list(_faults(value))
    if faults:
        raise BadInput("The job can't be started as it is asked for.", faults=faults)
    url = strict_json.member(value, CALLBACK_URL)
    return Order(text if url is None else without(text, CALLBACK_URL), url, hashlib.sha256(body).hexdigest())


def without(text: str, name: str) -> str:
    """The text of a JSON object less its member `name`: the other members stay as they were written."""
    kept = [written for written in _members(text) if _name_of(written) != name]
    return "{" + ",".join(kept) + "}"


def _faults(value: strict_json.Value) -> Iterator[Fault]:
    for name, what, fits in _KNOWN:
        given = [member for key, member in value if key == name]
        if len(given) > 1:
            yield Fault(f"/{name}", "must be given once")
        elif given and not fits(given[0]):
            yield Fault(f"/{name}", f"must be {what}")


def _is_string(value: strict_json.Value) -> bool:
    return type(value) is str  # a number is a str too, of its own class


_KNOWN = (
    ("model", "a string", _is_string),
    ("params", "an object", strict_json.is_object),
    (CALLBACK_URL, "a string", _is_string),
)


def _members(text: str) -> Iterator[str]:
    """Each member of the outermost object, `"name": value`, as it was written; `text` is JSON."""
    depth = begins = 0
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark in "{[":
            depth += 1
            begins = begins or found.end()
        elif mark in "}]":
            depth -= 1
        if (depth == 1 and mark == ",") or depth == 0:
            yield text[begins : found.start()]
            begins = found.end()


def _name_of(member: str) -> str | None:
    string = _MARK.search(member)
    return json.loads(string[0]) if string else None
