"""JSON answers of this gateway's own."""

from typing import Any

import orjson
from django.http import HttpResponse

NO_STORE = {"Cache-Control": "no-store"}


def as_json(value: Any) -> bytes:
    """`value`, rows and all, as JSON on as many lines as the texts laid in have."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def json_response(value: Any, status: int = 200) -> HttpResponse:
    """`value` as JSON, texts in `orjson.Fragment` laid in as they are; no-store, for it may hold patient data."""
    return HttpResponse(as_json(value), status=status, content_type="application/json", headers=NO_STORE)
