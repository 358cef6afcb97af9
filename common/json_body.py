"""JSON request bodies: checked once, kept as text."""

from common import strict_json
from common.exceptions import BadInput, FieldError


def read_object(body: bytes) -> tuple[str, strict_json.Value]:
    """The text of a JSON object, and its value. Raises `BadInput` for anything else."""
    try:
        text = strict_json.decode(body)
        value = strict_json.parse(text)
    except strict_json.NotJSON as exc:
        raise BadInput(f"The body is not JSON (RFC 8259): {exc}.", field_errors=[FieldError("", str(exc))]) from None
    if not strict_json.is_object(value):
        raise BadInput("The body must be a JSON object.", field_errors=[FieldError("", "must be an object")])
    return text, value
