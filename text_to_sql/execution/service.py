"""One execution: check, run, record, answer."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from common.exceptions import GatewayError
from common.ids import uuid7
from common.logs import current_request_id
from recording import recorder
from text_to_sql.catalogue import catalogue_of
from text_to_sql.exceptions import StatementRefused, TargetTimeout
from text_to_sql.execution import wall
from text_to_sql.execution.result import Limits, Result
from text_to_sql.guard import QueryRefused, check
from text_to_sql.models import Database
from text_to_sql.records import QueryExecutionRecord


@dataclass(frozen=True, kw_only=True)
class Request:
    """Who asks what of which database. `groups` is None for a caller who sees all rows."""

    database: Database
    session_id: str
    query: str
    caller: str
    groups: frozenset[int] | None


@dataclass
class _Attempt:
    """What is known of an execution for its record."""

    executed_sql: str = ""
    outcome: str = "succeeded"
    error: str = ""
    row_count: int = 0
    truncated: bool = False


def execute(request: Request) -> Result:
    """Runs the statement. The record is durable when this returns or raises.

    Raises `StatementRefused`, `StatementFailed`, `TargetError`, or `NotRecorded`: then nothing may be answered.
    """
    attempt = _Attempt()
    started = time.perf_counter()
    with recorder.CapacityReservation(2 * len(request.query.encode("utf-8", "replace"))):
        try:
            return _run(request, attempt)
        except GatewayError as exc:
            attempt.error = exc.detail
            attempt.outcome = _OUTCOMES.get(type(exc), "failed")
            raise
        finally:
            recorder.record(_record(request, attempt, 1000 * (time.perf_counter() - started)))


def _run(request: Request, attempt: _Attempt) -> Result:
    limits = Limits(seconds=settings.QUERY_SECONDS, rows=settings.QUERY_MAX_ROWS, bytes=settings.QUERY_MAX_BYTES)
    catalogue = catalogue_of(request.database, request.groups)
    try:
        checked = check(request.query, catalogue, limits.rows + 1)  # one more shows whether there are more
    except QueryRefused as exc:
        raise StatementRefused(str(exc)) from None
    attempt.executed_sql = checked.sql
    result = wall.run(request.database.info, checked.sql, catalogue.names(), limits)
    attempt.row_count, attempt.truncated = len(result.rows), result.truncated
    return result


def _record(request: Request, attempt: _Attempt, milliseconds: float) -> QueryExecutionRecord:
    return QueryExecutionRecord(
        id=uuid7(),
        recorded_at=datetime.now(UTC),
        database_id=request.database.pk,
        database_name=request.database.kor_name,
        session_id=request.session_id,
        query=_storable(request.query),
        executed_sql=attempt.executed_sql,
        outcome=attempt.outcome,
        error=_storable(attempt.error),
        row_count=attempt.row_count,
        truncated=attempt.truncated,
        duration_ms=milliseconds,
        caller=request.caller,
        request_id=current_request_id.get(),
    )


def _storable(text: str) -> str:
    """A text that every database can store: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


_OUTCOMES: dict[type[GatewayError], str] = {StatementRefused: "refused", TargetTimeout: "timed-out"}
