"""JSON answers of this gateway's own."""

from typing import Any

import orjson
from django.http import HttpResponse


def json_response(value: Any, status: int = 200) -> HttpResponse:
    """`value` as JSON, texts in `orjson.Fragment` laid in as they are; no-store, for it may hold patient data."""
    body = orjson.dumps(value, option=orjson.OPT_UTC_Z)
    return HttpResponse(body, status=status, content_type="application/json", headers={"Cache-Control": "no-store"})
