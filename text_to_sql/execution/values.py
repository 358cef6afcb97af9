"""Values of a result as JSON, with their types kept.

Integers and decimals become JSON numbers with all their digits; NaN and infinities texts. Dates and times are ISO 8601,
with an offset if the database has one; durations too. Bytes are base64. The column's `type` says which it is.
"""

import base64
import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.utils.duration import duration_iso_string

_MAX_ORJSON = 2**63 - 1


def type_name(value: object) -> str:
    """The type of a column with this value."""
    if isinstance(value, dt.datetime):
        return "timestamp with time zone" if value.tzinfo else "timestamp"
    return next((name for kind, (name, _) in _TYPES.items() if isinstance(value, kind)), "text")


def as_json(value: object) -> Any:
    """The value for `orjson.dumps`."""
    for kind, (_, convert) in _TYPES.items():
        if isinstance(value, kind):
            return convert(value)
    return value if value is None or isinstance(value, str) else str(value)


def as_text(value: object) -> str:
    """The value as a text: as JSON has it, decimals without an exponent."""
    if isinstance(value, Decimal):
        return format(value, "f")
    found = as_json(value)
    return found if isinstance(found, str) else orjson.dumps(found).decode()


def _integer(value: int) -> Any:
    return value if abs(value) <= _MAX_ORJSON else orjson.Fragment(str(value))


def _decimal(value: Decimal) -> Any:
    return orjson.Fragment(str(value)) if value.is_finite() else str(value)


def _float(value: float) -> Any:
    return value if math.isfinite(value) else str(value)


def _bytes(value: bytes) -> str:
    return base64.b64encode(bytes(value)).decode()


_TYPES: Mapping[Any, tuple[str, Callable[[Any], Any]]] = {
    bool: ("boolean", bool),
    int: ("integer", _integer),
    Decimal: ("decimal", _decimal),
    float: ("number", _float),
    dt.datetime: ("timestamp", dt.datetime.isoformat),
    dt.date: ("date", dt.date.isoformat),
    dt.time: ("time", dt.time.isoformat),
    dt.timedelta: ("interval", duration_iso_string),
    (bytes, bytearray, memoryview): ("bytes", _bytes),
    UUID: ("uuid", str),
    dict: ("json", lambda value: {str(name): as_json(item) for name, item in value.items()}),
    (list, tuple): ("array", lambda value: [as_json(item) for item in value]),
}
