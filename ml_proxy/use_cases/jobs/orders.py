"""What a job is asked to do: a JSON object, most of which is the model server's."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from ml_proxy import strict_json
from ml_proxy.exceptions import BadInput, Fault
from ml_proxy.use_cases.bodies import read_object

CALLBACK_URL = "callback_url"


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
    params = text if url is None else strict_json.without(text, CALLBACK_URL)
    return Order(params, url, hashlib.sha256(body).hexdigest())


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
