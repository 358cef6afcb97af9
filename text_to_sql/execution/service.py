"""One execution: check, run, record, answer."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings

from common.exceptions import GatewayError
from common.ids import uuid7
from common.logs import current_request_id
from common.responses import as_json
from recording import recorder
from text_to_sql.catalogue import catalogue_of
from text_to_sql.exceptions import StatementCancelled, StatementRefused, TargetTimeout
from text_to_sql.execution import wall
from text_to_sql.execution.result import Limits, Result
from text_to_sql.execution.watch import Audience
from text_to_sql.guard import QueryRefused, check
from text_to_sql.models import Database
from text_to_sql.records import QueryExecutionRecord, storable


@dataclass(frozen=True, kw_only=True)
class Request:
    """Who asks what of which database. `groups` is None for a caller who sees all rows; `seconds` is the deadline."""

    database: Database
    session_id: str
    query: str
    caller: str
    groups: frozenset[int] | None
    seconds: float
    audience: Audience = field(default_factory=Audience)


@dataclass
class _Attempt:
    """What is known of an execution for its record."""

    executed_sql: str = ""
    outcome: str = "failed"
    error: str = ""
    row_count: int = 0
    truncated: bool = False


def execute(request: Request) -> Result:
    """Runs the statement. The record is durable when this returns or raises.

    Raises `StatementRefused`, `StatementFailed`, `StatementCancelled`, `TargetError`, or `NotRecorded`: then nothing
    may be answered.
    """
    with recorder.CapacityReservation(2 * len(request.query.encode("utf-8", "replace"))):
        return _execute(request)


def as_text(result: Result, summary: str | None) -> str:
    """The result as a job keeps it: the JSON text of the answer."""
    return as_json({**result.described(), "summary": summary}).decode()


def _execute(request: Request) -> Result:
    attempt = _Attempt()
    started = time.perf_counter()
    try:
        return _run(request, attempt)
    except GatewayError as exc:
        attempt.error = exc.detail
        attempt.outcome = _OUTCOMES.get(type(exc), "failed")
        raise
    finally:
        recorder.record(_record(request, attempt, 1000 * (time.perf_counter() - started)))


def _run(request: Request, attempt: _Attempt) -> Result:
    limits = Limits(seconds=request.seconds, rows=settings.QUERY_MAX_ROWS, bytes=settings.QUERY_MAX_BYTES)
    catalogue = catalogue_of(request.database, request.groups)
    try:
        checked = check(request.query, catalogue, limits.rows + 1)  # one more shows whether there are more
    except QueryRefused as exc:
        raise StatementRefused(str(exc)) from None
    attempt.executed_sql = checked.sql
    result = wall.run(request.database.info, checked.sql, catalogue.tables, limits, request.audience)
    attempt.outcome, attempt.row_count, attempt.truncated = "succeeded", len(result.rows), result.truncated
    return result


def _record(request: Request, attempt: _Attempt, milliseconds: float) -> QueryExecutionRecord:
    return QueryExecutionRecord(
        id=uuid7(),
        recorded_at=datetime.now(UTC),
        database_id=request.database.pk,
        database_name=request.database.kor_name,
        session_id=request.session_id,
        query=storable(request.query),
        executed_sql=attempt.executed_sql,
        outcome=attempt.outcome,
        error=storable(attempt.error),
        row_count=attempt.row_count,
        truncated=attempt.truncated,
        duration_ms=milliseconds,
        caller=request.caller,
        request_id=current_request_id.get(),
    )


_OUTCOMES: dict[type[GatewayError], str] = {
    StatementCancelled: "cancelled",
    StatementRefused: "refused",
    TargetTimeout: "timed-out",
}
