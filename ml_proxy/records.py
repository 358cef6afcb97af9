"""The records of an inference, which is one answered prediction, and of a doctor's verdict on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from attachments import descriptors
from common.person_names import MAX_LENGTH
from recording.records import BadRecord, SealableRecord

SOURCE = "ml_proxy.inference"


@dataclass(frozen=True, kw_only=True)
class InferenceRecord(SealableRecord):
    """The sealed content of one row. `input_data` and `output_data` are the JSON texts as sent and received.

    `files` describes the attachments in the format of `attachments.descriptors`; it is blank for nearly all records.
    """

    SOURCE = SOURCE
    SEALED: ClassVar[Mapping[int, tuple[str, ...]]] = {
        1: (
            "id",
            "predicted_at",
            "latency_ms",
            "doctor_name",
            "patient_name",
            "input_data",
            "output_data",
            "model_name",
            "model_version",
            "request_id",
            "caller",
            "files",
        )
    }
    MAX_LENGTHS: ClassVar[Mapping[str, int]] = {
        "doctor_name": MAX_LENGTH,
        "patient_name": MAX_LENGTH,
        "model_name": 200,
        "model_version": 200,
        "request_id": 128,
        "caller": 150,
    }

    doctor_name: str
    patient_name: str
    input_data: str
    output_data: str
    predicted_at: datetime
    latency_ms: float
    model_name: str
    model_version: str
    request_id: str
    caller: str
    files: str = ""

    def __post_init__(self) -> None:
        """Raises `BadRecord` if `files` can't be parsed."""
        try:
            descriptors.read(self.files)
        except (ValueError, TypeError):
            raise BadRecord("its attachments can't be parsed") from None

    @property
    def payload_bytes(self) -> int:
        """The size of the whole input, in the row or in the storage, plus the output, in bytes."""
        whole = descriptors.whole(self.files)
        return (whole.bytes if whole else len(self.input_data.encode())) + len(self.output_data.encode())


@dataclass(frozen=True, kw_only=True)
class FeedbackRecord(SealableRecord):
    """The sealed content of one row of `Feedback`. `label` is blank if there is none."""

    SOURCE = "ml_proxy.feedback"
    SEALED: ClassVar[Mapping[int, tuple[str, ...]]] = {
        1: (
            "id",
            "recorded_at",
            "position",
            "inference_id",
            "verdict",
            "label",
            "note",
            "caller",
            "model_name",
            "model_version",
            "predicted_at",
        )
    }
    MAX_LENGTHS: ClassVar[Mapping[str, int]] = {
        "verdict": 7,
        "label": 200,
        "note": 2000,
        **{name: InferenceRecord.MAX_LENGTHS[name] for name in ("caller", "model_name", "model_version")},
    }

    recorded_at: datetime
    position: int
    inference_id: UUID
    verdict: str
    label: str
    note: str
    caller: str
    model_name: str
    model_version: str
    predicted_at: datetime
