"""Validates bodies against a JSON Schema, and reports each invalid field in words that help to correct it."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ml_server.exceptions import FieldError, Unprocessable

MAX_DEPTH = 2  # levels of objects that the schemas here describe
MAX_ITEMS = 10_000  # of a list that are examined: a schema with a list needs a smaller `maxItems`
MAX_ERRORS = 100
MAX_NAME_LENGTH = 100
MAX_ENUM_LENGTH = 20  # characters of the longest enum value in the schemas here
MESSAGES = {
    "type": "must be of type {}",
    "minimum": "must be {:.10g} or more",
    "maximum": "must be {:.10g} or less",
}


class SchemaValidator:
    """Validates bodies against one schema (JSON Schema 2020-12)."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        Draft202012Validator.check_schema(schema)
        self._validator = Draft202012Validator(schema)

    def validate(self, body: Mapping[str, Any]) -> None:
        """Returns if `body` matches the schema.

        Raises:
            Unprocessable: with one error for each invalid field, at most a hundred.
        """
        if errors := self.errors(body):
            raise Unprocessable("some fields are invalid: correct those in `fields`", errors)

    def errors(self, body: Mapping[str, Any]) -> list[FieldError]:
        """The errors of `body`, at most one for each field; empty if it matches the schema."""
        found: dict[str, FieldError] = {}
        for error in self._validator.iter_errors(_prune(body, MAX_DEPTH)):
            for each in _translate(error):
                found.setdefault(each.field, each)
        return list(found.values())[:MAX_ERRORS]


def _prune(value: object, depth: int) -> object:
    """Removes what no schema here examines: jsonschema quotes invalid values, however long or deep they are."""
    if isinstance(value, Mapping):
        return {name: _prune(member, depth - 1) for name, member in value.items()} if depth else {}
    if isinstance(value, list):
        return [_prune(item, depth - 1) for item in value[: MAX_ITEMS + 1]] if depth else []
    if isinstance(value, str | bytes):  # bytes: a form's file, where JSON has a string
        return value if isinstance(value, str) and len(value) <= MAX_ENUM_LENGTH else ""
    return value


def _translate(error: ValidationError) -> Iterator[FieldError]:
    path = [str(part) for part in error.absolute_path]
    schema: Any = error.schema
    instance: Any = error.instance
    if error.validator == "required":
        missing = [name for name in schema["required"] if name not in instance]
        yield from (FieldError(".".join([*path, name]), "is missing") for name in missing)
    elif error.validator == "additionalProperties":
        unknown = sorted(instance.keys() - schema["properties"].keys())
        yield from (FieldError(".".join([*path, name[:MAX_NAME_LENGTH]]), "is unknown: remove it") for name in unknown)
    elif error.validator == "oneOf":
        either = [name for option in schema["oneOf"] for name in option["required"]]
        yield FieldError(".".join([*path, either[0]]), f"is required, or {either[1]} instead, but not both")
    elif error.validator == "enum":
        yield FieldError(".".join(path), f"must be one of {', '.join(schema['enum'])}")
    else:
        message = MESSAGES.get(str(error.validator), "is invalid: see input_schema in GET /api/v1/model-info")
        yield FieldError(".".join(path), message.format(error.validator_value))
