"""Makes rows of the log of calls of providers."""

from datetime import UTC, datetime
from typing import Any

from common.ids import uuid7
from imaging.records import ProviderCallRecord
from recording import recorder


def call(**changes: Any) -> ProviderCallRecord:
    """The record of one call."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": uuid7(now),
        "recorded_at": now,
        "service": "desk_classify",
        "provider": "local",
        "model": "efficientnet-lite0",
        "model_version": "57934424",
        "prompt_version": "",
        "prompt": "",
        "answer": '{"classify": true}',
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_microdollars": 0,
        "latency_ms": 20.5,
        "outcome": "succeeded",
        "error": "",
        "job": "",
        "caller": "ann",
        "request_id": "r",
    }
    return ProviderCallRecord(**(values | changes))


def insert_call(**changes: Any) -> ProviderCallRecord:
    """Writes a sealed row of one call; returns its record."""
    record = call(**changes)
    recorder.record_as_row(record)
    return record
