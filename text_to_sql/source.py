"""The record sources of executions and of model calls."""

from collections.abc import Mapping
from typing import ClassVar

from recording.sources import Filter, RecordSource
from text_to_sql.models import LLMLog, QueryExecutionLog
from text_to_sql.records import LLMRecord, QueryExecutionRecord


def _database_id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError("must be a database's id")
    return int(text)


class ExecutionSource(RecordSource):
    """Stores executions in `QueryExecutionLog`."""

    record = QueryExecutionRecord
    model = QueryExecutionLog
    filters: ClassVar[Mapping[str, Filter]] = {
        "database": Filter("database_id", _database_id),
        "session": Filter("session_id"),
    }


class LLMSource(RecordSource):
    """Stores calls of language models in `LLMLog`."""

    record = LLMRecord
    model = LLMLog
    filters: ClassVar[Mapping[str, Filter]] = {
        "database": Filter("database_id", _database_id),
        "session": Filter("session_id"),
    }
    json = ("prompt",)


LLM_CALLS = LLMSource()
EXECUTIONS = ExecutionSource()
