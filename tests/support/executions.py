"""Makes rows of the logs of executions and of model calls."""

from datetime import UTC, datetime
from typing import Any

from common.ids import uuid7
from recording import recorder
from text_to_sql.records import LLMRecord, QueryExecutionRecord


def insert_execution(**changes: Any) -> QueryExecutionRecord:
    """Writes a sealed row of one statement; returns its record."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": uuid7(now),
        "recorded_at": now,
        "database_id": 1,
        "database_name": "shop",
        "session_id": "s",
        "query": "SELECT 1",
        "executed_sql": "SELECT 1 LIMIT 1",
        "outcome": "succeeded",
        "error": "",
        "row_count": 1,
        "truncated": False,
        "duration_ms": 1.5,
        "caller": "ann",
        "request_id": "r",
    }
    record = QueryExecutionRecord(**(values | changes))
    recorder.record_as_row(record)
    return record


def insert_model_call(**changes: Any) -> LLMRecord:
    """Writes a sealed row of one call of a language model; returns its record."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": uuid7(now),
        "recorded_at": now,
        "database_id": 1,
        "database_name": "shop",
        "session_id": "s",
        "agent": "query_generator",
        "prompt_version": "1",
        "provider": "127.0.0.1:8080",
        "model": "scripted-1",
        "prompt": "[]",
        "answer": "SELECT 1",
        "outcome": "succeeded",
        "error": "",
        "tokens_in": 120,
        "tokens_out": 8,
        "cost": "0.0000228000",
        "latency_ms": 1.5,
        "caller": "ann",
        "request_id": "r",
    }
    record = LLMRecord(**(values | changes))
    recorder.record_as_row(record)
    return record
