"""A synchronous retrain, passed through while its caller waits. It is also a job, so it can be listed and cancelled."""

from collections.abc import Mapping

from django.conf import settings

from common import strict_json
from common.json_body import read_object
from jobs import runner, submission
from jobs.requests import JobRequest
from ml_proxy import upstream
from ml_proxy.retrain.kind import RETRAIN
from ml_proxy.retrain.requester import with_requester
from ml_proxy.retrain.requests import EXAMPLES
from ml_proxy.retrain.training import outcome_of
from ml_proxy.upstream import Answer, Switch
from ml_proxy.upstream.headers import refuse_unsendable


def retrain_now(body: bytes, *, fields: Mapping[str, str], query: str, requested_by: str, request_id: str) -> Answer:
    """Returns the model server's answer. Raises `BadInput`, an `UpstreamError`, or `JobConflict`.

    The conflict means that another retrain is active, or that this one was cancelled. Many users may read the job's
    row, so the row leaves out the body's examples, which contain inputs.
    """
    params = strict_json.without(read_object(body)[0], EXAMPLES) if body else "{}"
    job = submission.start_synchronous(RETRAIN, JobRequest(params), requested_by=requested_by, request_id=request_id)
    with runner.synchronous_run(job) as run:
        switch = Switch()
        run.heartbeat.on_stop(switch.cut)
        answer = _forward(body, with_requester(fields, requested_by), query, switch)
        run.outcome = outcome_of(answer)
    refuse_unsendable(answer.fields)
    return answer


def _forward(body: bytes, fields: Mapping[str, str], query: str, switch: Switch) -> Answer:
    with upstream.exchange(
        "retrain",
        fields=fields,
        body=body,
        query=query,
        total_seconds=settings.RETRAIN_TOTAL_SECONDS,
        switch=switch,
    ) as reply:
        return reply.read()
