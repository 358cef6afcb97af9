"""What a seal of an execution and of a model call covers. These bytes never change: old rows have to verify."""

from datetime import UTC, datetime
from uuid import UUID

from text_to_sql.records import LLMRecord, QueryExecutionRecord

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


LLM_RECORD = LLMRecord(
    id=UUID(int=2),
    recorded_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    database_id=7,
    database_name="가게",
    session_id="s",
    agent="query_generator",
    prompt_version="1",
    provider="127.0.0.1:8080",
    model="m",
    prompt="[]",
    answer="SELECT 1",
    outcome="succeeded",
    error="",
    tokens_in=120,
    tokens_out=8,
    cost="0.0000228000",
    latency_ms=1.5,
    caller="ann",
    request_id="r",
)


def test_a_model_call_round_trips() -> None:
    assert LLMRecord.decode(LLM_RECORD.encode()) == LLM_RECORD


def test_the_sealed_bytes_of_a_model_call_are_these() -> None:
    assert LLM_RECORD.content(1).hex() == (
        "0000000f746578745f746f5f73716c2e6c6c6d00000001000000000000000000000000000000020006475ef64cf34600"
        "00000000000007000000000000007800000000000000083ff800000000000000000006eab080eab28c00000001730000"
        "000f71756572795f67656e657261746f7200000001310000000e3132372e302e302e313a38303830000000016d000000"
        "025b5d0000000853454c454354203100000009737563636565646564000000000000000c302e30303030323238303030"
        "00000003616e6e0000000172"
    )
