"""A retrain that is passed through while its caller waits; it is a job too, and can be seen and cancelled."""

from collections.abc import Mapping

from django.conf import settings

from common import strict_json
from common.json_body import read_object
from jobs import runner, submission
from jobs.requests import JobRequest
from ml_proxy import upstream
from ml_proxy.retrain.kind import RETRAIN
from ml_proxy.retrain.requests import EXAMPLES
from ml_proxy.retrain.training import outcome_of
from ml_proxy.upstream import Answer, Switch


def retrain_now(body: bytes, *, fields: Mapping[str, str], query: str, requested_by: str, request_id: str) -> Answer:
    """The model server's answer. Raises `BadInput`, an `UpstreamError`, or `JobConflict`.

    The conflict is that another retrain is under way, or that this one was cancelled. The job's row is shown to many,
    so it does without the body's examples, which hold inputs.
    """
    params = strict_json.without(read_object(body)[0], EXAMPLES) if body else "{}"
    job = submission.start_attended(RETRAIN, JobRequest(params), requested_by=requested_by, request_id=request_id)
    with runner.attended(job) as run:
        switch = Switch()
        run.heartbeat.when_stopped(switch.cut)
        answer = _passed_through(body, fields, query, switch)
        run.outcome = outcome_of(answer)
    return answer


def _passed_through(body: bytes, fields: Mapping[str, str], query: str, switch: Switch) -> Answer:
    with upstream.exchange(
        "retrain",
        fields=fields,
        body=body,
        query=query,
        total_seconds=settings.RETRAIN_TOTAL_SECONDS,
        switch=switch,
    ) as reply:
        return reply.whole()
