"""A JSON Schema, compiled once, and its complaints turned into fields that a caller can mend."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ml_server.exceptions import Fault, Unprocessable

DEEPEST = 2  # levels of objects that the schemas here look into
MOST_FAULTS = 100
LONGEST_NAME = 100
LONGEST_CHOICE = 20  # characters of any text that a schema here lists
WORDS = {
    "type": "must be of type {}",
    "minimum": "must be {:.10g} or more",
    "maximum": "must be {:.10g} or less",
}


class Checker:
    """Checks bodies against one schema (JSON Schema 2020-12)."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        Draft202012Validator.check_schema(schema)
        self._validator = Draft202012Validator(schema)

    def check(self, body: Mapping[str, Any]) -> None:
        """Returns when `body` fits.

        Raises:
            Unprocessable: with one fault per field, the first hundred of them.
        """
        if faults := self.faults(body):
            raise Unprocessable("some fields can't be used", faults)

    def faults(self, body: Mapping[str, Any]) -> list[Fault]:
        """What is wrong with `body`, at most one fault per field; empty when it fits."""
        found: dict[str, Fault] = {}
        for error in self._validator.iter_errors(_hollow(body, DEEPEST)):
            for fault in _translate(error):
                found.setdefault(fault.field, fault)
        return list(found.values())[:MOST_FAULTS]


def _hollow(value: object, depth: int) -> object:
    """`value` without what no schema here looks at: jsonschema quotes what it refuses, however long or deep it is."""
    if isinstance(value, Mapping):
        return {name: _hollow(member, depth - 1) for name, member in value.items()} if depth else {}
    if isinstance(value, list):
        return []
    if isinstance(value, str | bytes):  # bytes: a file of a form, where JSON has a text
        return value if isinstance(value, str) and len(value) <= LONGEST_CHOICE else ""
    return value


def _translate(error: ValidationError) -> Iterator[Fault]:
    path = [str(part) for part in error.absolute_path]
    schema: Any = error.schema
    given: Any = error.instance
    if error.validator == "required":
        missing = [name for name in schema["required"] if name not in given]
        yield from (Fault(".".join([*path, name]), "is missing") for name in missing)
    elif error.validator == "additionalProperties":
        unknown = sorted(given.keys() - schema["properties"].keys())
        yield from (Fault(".".join([*path, name[:LONGEST_NAME]]), "is not known") for name in unknown)
    elif error.validator == "oneOf":
        either = [name for option in schema["oneOf"] for name in option["required"]]
        yield Fault(".".join([*path, either[0]]), f"is needed, or {either[1]} in its place; not both")
    elif error.validator == "enum":
        yield Fault(".".join(path), f"must be one of {', '.join(schema['enum'])}")
    else:
        yield Fault(".".join(path), WORDS.get(str(error.validator), "can't be used").format(error.validator_value))
