"""What a seal of an execution covers. These bytes never change: old rows have to verify."""

from datetime import UTC, datetime
from uuid import UUID

from text_to_sql.records import QueryExecutionRecord

RECORD = QueryExecutionRecord(
    id=UUID(int=1),
    recorded_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    database_id=7,
    database_name="가게",
    session_id="s",
    query="SELECT 1",
    executed_sql="SELECT 1 LIMIT 1",
    outcome="succeeded",
    error="",
    row_count=1,
    truncated=False,
    duration_ms=1.5,
    caller="ann",
    request_id="r",
)


def test_a_record_round_trips() -> None:
    assert QueryExecutionRecord.decode(RECORD.encode()) == RECORD


def test_the_sealed_bytes_are_these() -> None:
    assert RECORD.content(1).hex() == (
        "00000015746578745f746f5f73716c2e657865637574696f6e0000000100000000000000000000000000000001000647"
        "5ef64cf34600000000000000070000000000000001003ff800000000000000000006eab080eab28c0000000173000000"
        "0853454c45435420310000001053454c4543542031204c494d4954203100000009737563636565646564000000000000"
        "0003616e6e0000000172"
    )
