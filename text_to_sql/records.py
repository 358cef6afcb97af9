"""The records of executions and of calls of a language model."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from recording.records import SealableRecord


def storable(text: str) -> str:
    """A text that every database can store: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


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


@dataclass(frozen=True, kw_only=True)
class LLMRecord(SealableRecord):
    """The sealed content of one row of `LLMLog`: one attempt to call a language model, successful or not.

    `prompt` is the JSON text of the messages. `cost` is a decimal number with 10 places, in the currency of the prices.
    Tokens and cost are 0 if the server does not say how many tokens it took.
    """

    SOURCE = "text_to_sql.llm"
    SEALED: ClassVar[Mapping[int, tuple[str, ...]]] = {
        1: (
            "id",
            "recorded_at",
            "database_id",
            "database_name",
            "session_id",
            "agent",
            "prompt_version",
            "provider",
            "model",
            "prompt",
            "answer",
            "outcome",
            "error",
            "tokens_in",
            "tokens_out",
            "cost",
            "latency_ms",
            "caller",
            "request_id",
        )
    }
    MAX_LENGTHS: ClassVar[Mapping[str, int]] = {
        "database_name": 100,
        "session_id": 64,
        "agent": 40,
        "prompt_version": 20,
        "provider": 255,
        "model": 200,
        "outcome": 10,
        "cost": 17,
        "caller": 150,
        "request_id": 128,
    }

    recorded_at: datetime
    database_id: int
    database_name: str
    session_id: str
    agent: str
    prompt_version: str
    provider: str
    model: str
    prompt: str
    answer: str
    outcome: str
    error: str
    tokens_in: int
    tokens_out: int
    cost: str
    latency_ms: float
    caller: str
    request_id: str
