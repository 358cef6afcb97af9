"""Rows of history, exports and the data set."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson


class Row(NamedTuple):
    """The columns of history, in order. `input_data` and `output_data` are the original JSON texts."""

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

    def described(self) -> dict[str, Any]:
        """Returns the JSON members for `as_json`; both JSON texts are inserted unparsed."""
        return {
            "id": self.id,
            "doctor_name": self.doctor_name,
            "patient_name": self.patient_name,
            "input_data": orjson.Fragment(self.input_data),
            "output_data": orjson.Fragment(self.output_data),
            "created_at": self.created_at,
            "predicted_at": self.predicted_at,
            "latency_ms": self.latency_ms,
            "model_name": self.model_name,
            "model_version": self.model_version,
            "request_id": self.request_id,
            "caller": self.caller,
        }


class Example(NamedTuple):
    """A judged inference as a training example: without names, with the doctor's label.

    `input` is the JSON text of the request's body without the two names. `label` is None if the doctor agreed with an
    answer that has no label.
    """

    inference_id: UUID
    input: str
    label: str | None
    verdict: str
    model_name: str
    model_version: str
    predicted_at: datetime
    verdict_at: datetime
    verdict_id: int

    def described(self) -> dict[str, Any]:
        """Returns the JSON members for `as_json`; the JSON text is inserted unparsed."""
        return {**self._asdict(), "input": orjson.Fragment(self.input)}
