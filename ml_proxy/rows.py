"""Inferences as readers of history and exports see them."""

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

    def described(self) -> dict[str, Any]:
        """For `as_json`; both texts are laid in unparsed."""
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
    """A judged inference as a model may learn from it: without names, with the label that the doctor gave.

    `input` is the JSON text of the request's body without the two names. `label` is None where the doctor agreed with
    an answer that has no label.
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
        """For `as_json`; the text is laid in unparsed."""
        return {**self._asdict(), "input": orjson.Fragment(self.input)}
