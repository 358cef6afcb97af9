"""JSON answers of this gateway's own."""

from typing import Any

from django.http import HttpResponse

from ml_proxy.rows import as_json

NO_STORE = {"Cache-Control": "no-store"}


def json_response(value: Any, status: int = 200) -> HttpResponse:
    """`value` as JSON, texts in `orjson.Fragment` laid in as they are; no-store, for it may hold patient data."""
    return HttpResponse(as_json(value), status=status, content_type="application/json", headers=NO_STORE)
