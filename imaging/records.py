"""The record of a call of a provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from attachments import descriptors
from recording.records import BadRecord, SealableRecord


@dataclass(frozen=True, kw_only=True)
class ProviderCallRecord(SealableRecord):
    """The sealed content of one row of `ProviderCall`. Costs are in millionths of a US dollar."""

    SOURCE = "imaging.call"
    SEALED: ClassVar[Mapping[int, tuple[str, ...]]] = {
        1: (
            "id",
            "recorded_at",
            "service",
            "provider",
            "model",
            "model_version",
            "prompt_version",
            "prompt",
            "answer",
            "input_tokens",
            "output_tokens",
            "cost_microdollars",
            "latency_ms",
            "outcome",
            "error",
            "job",
            "caller",
            "request_id",
            "files",
        )
    }
    MAX_LENGTHS: ClassVar[Mapping[str, int]] = {
        "service": 32,
        "provider": 64,
        "model": 100,
        "model_version": 100,
        "prompt_version": 64,
        "outcome": 12,
        "job": 36,
        "caller": 150,
        "request_id": 128,
    }

    recorded_at: datetime
    service: str
    provider: str
    model: str
    model_version: str
    prompt_version: str
    prompt: str
    answer: str
    input_tokens: int
    output_tokens: int
    cost_microdollars: int
    latency_ms: float
    outcome: str
    error: str
    job: str
    caller: str
    request_id: str
    files: str = ""

    def __post_init__(self) -> None:
        """Raises `BadRecord` if the attachments can't be parsed."""
        try:
            descriptors.read(self.files)
        except (ValueError, TypeError):
            raise BadRecord("its attachments can't be parsed") from None
