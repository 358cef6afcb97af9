"""The job kind `sql`: a long statement in the background. Its result is kept in the job, within the usual caps."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from django.conf import settings

from common.exceptions import BadInput, Busy
from jobs import submission
from jobs.heartbeat import Heartbeat
from jobs.kinds import JobKind
from jobs.models import Job
from jobs.queries import JobConflict
from jobs.requests import JobRequest
from jobs.transitions import CANCELLED, Outcome
from text_to_sql.permissions import RUN_SQL

if TYPE_CHECKING:
    from text_to_sql.execution.service import Request

RUNNING_AT_ONCE = 2  # of the three places of `worker-jobs`: trainings and upkeep must not wait for statements
_ROW_LIMIT_PERCENT = 99


def start(asked: "Request", *, summarize: bool, digest: str, request_id: str, key: str | None) -> Job:
    """Creates and queues the job. Raises `Busy` if as many statements as may run are active."""
    request = JobRequest(_params(asked, summarize), digest=digest)
    for place in range(RUNNING_AT_ONCE):
        try:
            return submission.start(
                _in_place(place), request, requested_by=asked.caller, request_id=request_id, key=key
            )
        except JobConflict:
            continue
    raise Busy(f"{RUNNING_AT_ONCE} long statements are queued or run, and no more may. Nothing was done; try later.")


def _in_place(number: int) -> JobKind:
    """The kind for a job that takes this place; it is free once the job has ended."""
    return replace(SQL, concurrency_key=lambda _: f"sql {number}")


def run(job: Job, heartbeat: Heartbeat) -> Outcome:
    """Runs the statement. Raises `GatewayError`."""
    from text_to_sql import summaries  # noqa: PLC0415 - the guard is 40 MB
    from text_to_sql.exceptions import StatementCancelled  # noqa: PLC0415
    from text_to_sql.execution import service  # noqa: PLC0415

    asked = _asked(job, heartbeat)
    try:
        result = service.execute(asked)
    except StatementCancelled:
        return CANCELLED
    summary = summaries.summarize(asked, result) if json.loads(job.params)["summarize"] else None
    return Outcome(Job.State.SUCCEEDED, result=service.as_text(result, summary))


def _refuse(_: bytes) -> JobRequest:
    raise BadInput("Start a statement with POST /llm/execute-sql/db/{id}/{session_id} and Prefer: respond-async.")


SQL = JobKind(
    name="sql",
    run=run,
    read=_refuse,
    start_permission=RUN_SQL,
    read_permission=RUN_SQL,
    cancel_permission=RUN_SQL,
    is_private=True,
    unknown_outcome="nothing was changed: statements only read.",
)


def _params(asked: "Request", summarize: bool) -> str:
    members = {
        "database": asked.database.pk,
        "session_id": asked.session_id,
        "query": asked.query,
        "groups": None if asked.groups is None else sorted(asked.groups),
        "summarize": summarize,
    }
    return json.dumps(members, ensure_ascii=False)


def _asked(job: Job, heartbeat: Heartbeat) -> "Request":
    from text_to_sql.catalogue import registered  # noqa: PLC0415 - as above
    from text_to_sql.execution import service  # noqa: PLC0415
    from text_to_sql.execution.visibility import groups_now  # noqa: PLC0415
    from text_to_sql.execution.watch import Audience  # noqa: PLC0415

    params = json.loads(job.params)
    groups = None if params["groups"] is None else frozenset(params["groups"])

    def show(rows: int) -> None:
        heartbeat.progress = min(_ROW_LIMIT_PERCENT, 100 * rows // settings.QUERY_MAX_ROWS), f"{rows} rows read"

    return service.Request(
        database=registered(params["database"]),
        session_id=params["session_id"],
        query=params["query"],
        caller=job.requested_by,
        groups=groups_now(job.requested_by, groups),
        seconds=settings.QUERY_JOB_SECONDS,
        audience=Audience(is_wanted=lambda: heartbeat.stop is None, on_rows=show),
    )
