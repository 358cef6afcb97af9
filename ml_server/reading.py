"""From the bytes of a body to a JSON object."""

import json
from typing import Any

from ml_server.exceptions import NotJSON

LONGEST_WHOLE_NUMBER = 300  # digits; what is longer is beyond any float, and slow to turn into an int


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`.

    NaN and Infinity are read as text, so that the check of the fields refuses them where they stand; a number beyond a
    float's range becomes infinity.

    Raises:
        NotJSON: not UTF-8, not JSON, not an object, or nested too deeply.
    """
    try:
        body = json.loads(raw.decode(), parse_int=_whole_number, parse_constant=str)
    except UnicodeDecodeError:
        raise NotJSON("the body is not UTF-8") from None
    except json.JSONDecodeError as exc:
        raise NotJSON(f"the body is not JSON (line {exc.lineno}, column {exc.colno})") from None
    except RecursionError:
        raise NotJSON("the body is nested too deeply") from None
    if not isinstance(body, dict):
        raise NotJSON("the body must be a JSON object")
    return body


def _whole_number(text: str) -> int | float:
    return int(text) if len(text) <= LONGEST_WHOLE_NUMBER else float(text)
