"""Reads JSON bodies with a serializer."""

from typing import Any

import orjson
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from common.exceptions import BadInput, FieldError
from common.json_body import read_object
from common.request_body import read_body


def read(request: Request, serializer: type[BaseSerializer[Any]], *, partial: bool = False) -> dict[str, Any]:
    """The valid members of the body. Raises `BadInput`."""
    return valid(read_json(request), serializer, partial=partial)


def read_json(request: Request) -> Any:
    """The body's value, an object. Raises `BadInput`."""
    text, _ = read_object(read_body(request))
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise BadInput("The body can't be read.", field_errors=[FieldError("", str(exc)[:200])]) from None


def valid(value: Any, serializer: type[BaseSerializer[Any]], *, partial: bool = False) -> dict[str, Any]:
    """The valid members of a value. Raises the framework's `ValidationError`, which becomes a 400 with pointers."""
    checked = serializer(data=value, partial=partial)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
