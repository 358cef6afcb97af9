"""The record of an execution."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from recording.records import SealableRecord


@dataclass(frozen=True, kw_only=True)
class QueryExecutionRecord(SealableRecord):
    """The sealed content of one row of `QueryExecutionLog`. The rows of the result are not in it."""

    SOURCE = "text_to_sql.execution"
    SEALED: ClassVar[Mapping[int, tuple[str, ...]]] = {
        1: (
            "id",
            "recorded_at",
            "database_id",
            "database_name",
            "session_id",
            "query",
            "executed_sql",
            "outcome",
            "error",
            "row_count",
            "truncated",
            "duration_ms",
            "caller",
            "request_id",
        )
    }
    MAX_LENGTHS: ClassVar[Mapping[str, int]] = {
        "database_name": 100,
        "session_id": 64,
        "outcome": 10,
        "caller": 150,
        "request_id": 128,
    }

    recorded_at: datetime
    database_id: int
    database_name: str
    session_id: str
    query: str
    executed_sql: str
    outcome: str
    error: str
    row_count: int
    truncated: bool
    duration_ms: float
    caller: str
    request_id: str
