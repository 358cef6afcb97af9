"""An inference as those who read the log see it, in history and in exports alike."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson


class Row(NamedTuple):
    """The columns that are shown, in their order. `input_data` and `output_data` are JSON texts, as they came."""

    id: UUID
    doctor_name: str
    patient_name: str
    input_data: str
    output_data: str
    created_at: datetime
    predicted_at: datetime
    latency_ms: float
    model_name: str
    model_version: str
    request_id: str
    caller: str


def described(row: Row) -> dict[str, Any]:
    """The row for `as_json`; both texts are laid in unparsed."""
    return {
        "id": row.id,
        "doctor_name": row.doctor_name,
        "patient_name": row.patient_name,
        "input_data": orjson.Fragment(row.input_data),
        "output_data": orjson.Fragment(row.output_data),
        "created_at": row.created_at,
        "predicted_at": row.predicted_at,
        "latency_ms": row.latency_ms,
        "model_name": row.model_name,
        "model_version": row.model_version,
        "request_id": row.request_id,
        "caller": row.caller,
    }


def as_json(value: Any) -> bytes:
    """`value`, rows and all, as JSON on as many lines as the texts laid in have."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
