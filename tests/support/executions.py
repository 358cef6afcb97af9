"""Makes rows of the log of executions."""

from datetime import UTC, datetime
from typing import Any

from common.ids import uuid7
from recording import recorder
from text_to_sql.records import QueryExecutionRecord


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
