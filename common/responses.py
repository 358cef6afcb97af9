"""JSON responses of the gateway."""

from typing import Any

import orjson
from django.http import HttpResponse

NO_STORE = {"Cache-Control": "no-store"}


def as_json(value: Any) -> bytes:
    """`value` as JSON. Embedded texts (`orjson.Fragment`) may contain line breaks."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def json_response(value: Any, status: int = 200) -> HttpResponse:
    """`value` as JSON, with `orjson.Fragment` texts embedded unchanged; no-store, as it may contain patient data."""
    return HttpResponse(as_json(value), status=status, content_type="application/json", headers=NO_STORE)
