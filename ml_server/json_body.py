"""Parses a request body into a JSON object."""

import json
from typing import Any

from ml_server.exceptions import InvalidJSON

MAX_INTEGER_DIGITS = 300  # a longer number exceeds every float, and is slow to convert to an int


def read_json_object(raw: bytes) -> dict[str, Any]:
    """Parses the JSON object in `raw`.

    NaN and Infinity become strings, so that the validation rejects them in the field that holds them. A number beyond
    the range of a float becomes infinity.

    Raises:
        InvalidJSON: `raw` is not UTF-8, not JSON, not an object, or nested too deeply.
    """
    try:
        body = json.loads(raw.decode(), parse_int=_integer, parse_constant=str)
    except UnicodeDecodeError:
        raise InvalidJSON("the body is not UTF-8: encode it as UTF-8") from None
    except json.JSONDecodeError as exc:
        raise InvalidJSON(f"the body is not JSON: correct line {exc.lineno}, column {exc.colno}") from None
    except RecursionError:
        raise InvalidJSON("the body is nested too deeply: remove some levels") from None
    if not isinstance(body, dict):
        raise InvalidJSON("the body must be a JSON object")
    return body


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= MAX_INTEGER_DIGITS else float(text)
