"""Runs a training on the model server, which answers with events line by line, or once at the end."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from django.conf import settings

from common import strict_json
from common.printable import printable
from jobs.heartbeat import Heartbeat
from jobs.models import Job
from jobs.transitions import ERROR_CHARACTERS, MESSAGE_CHARACTERS, Outcome
from ml_proxy import upstream
from ml_proxy.exceptions import UpstreamBroken
from ml_proxy.retrain.requester import with_requester
from ml_proxy.retrain.requests import VERDICTS
from ml_proxy.retrain.training_payload import TrainingPayload, training_payload
from ml_proxy.upstream import Answer, Reply, Switch

BUSY = 409
BUSY_SECONDS = 60.0  # how long a cancelled training, or one whose runner died, may take to stop
BUSY_PAUSE_SECONDS = 1.0


def train(job: Job, heartbeat: Heartbeat) -> Outcome:
    """Runs one retrain. An idempotency key prevents a completed training from running again. Raises `UpstreamError`.

    Only one retrain job runs at a time, so a busy model server is still stopping the previous job or a dead attempt;
    the request is retried for up to `BUSY_SECONDS`.
    """
    switch = Switch()
    heartbeat.on_stop(switch.cut)
    payload = training_payload(job, switch)
    if payload.verdicts:
        heartbeat.progress = 0, f"sends {payload.handed_over} judged inferences, {payload.left_out} are left out"
    ends_at = time.monotonic() + BUSY_SECONDS
    while True:
        response = _send(job, payload, heartbeat, switch)
        if isinstance(response, Outcome):
            return _with_counts(response, payload)
        should_retry = response.status == BUSY and time.monotonic() < ends_at
        if not should_retry or heartbeat.wait(BUSY_PAUSE_SECONDS):
            return _with_counts(outcome_of(response), payload)


def outcome_of(answer: Answer) -> Outcome:
    """Returns the job's outcome for a single, complete answer."""
    if not answer.is_success:
        text = printable(answer.body[: 4 * ERROR_CHARACTERS].decode("utf-8", "replace"), ERROR_CHARACTERS)
        return Outcome(Job.State.FAILED, error=f"The model server answered {answer.status}: {text}")
    try:
        text = strict_json.decode(answer.body)
        strict_json.parse(text)
    except strict_json.NotJSON:
        text = "null"
    return Outcome(Job.State.SUCCEEDED, result=text)


def _with_counts(outcome: Outcome, payload: TrainingPayload) -> Outcome:
    """Adds the counts of sent and omitted examples to the result, if the result is an object."""
    if payload.verdicts is None or outcome.result is None or not outcome.result.lstrip().startswith("{"):
        return outcome
    return replace(outcome, result=strict_json.with_member(outcome.result, VERDICTS, payload.verdicts))


def _send(job: Job, payload: TrainingPayload, heartbeat: Heartbeat, switch: Switch) -> Outcome | Answer:
    fields = {
        "Content-Type": "application/json",
        "Accept": "application/x-ndjson",
        "Idempotency-Key": payload.key,
        "X-Request-ID": job.request_id,
    }
    fields = with_requester(fields, job.requested_by)
    with upstream.exchange(
        "retrain", fields=fields, body=payload.body, total_seconds=settings.RETRAIN_JOB_SECONDS, switch=switch
    ) as reply:
        return _follow_events(reply, heartbeat) if reply.is_ndjson else reply.read()


def _follow_events(reply: Reply, heartbeat: Heartbeat) -> Outcome:
    """Follows the events until the training ends; unknown events are ignored."""
    for line in filter(bytes.strip, reply.lines()):
        text, event = _parse(line)
        handle = _HANDLERS.get(str(strict_json.member(event, "event")))
        if handle and (outcome := handle(text, dict(event), heartbeat)):
            return outcome
    raise UpstreamBroken("The model server's answer ended without a result; it may still have trained.")


def _parse(line: bytes) -> tuple[str, strict_json.Value]:
    try:
        text = strict_json.decode(line)
        event = strict_json.parse(text)
    except strict_json.NotJSON:
        raise UpstreamBroken("A line of the model server's answer is truncated or not JSON.") from None
    if not strict_json.is_object(event):
        raise UpstreamBroken("A line of the model server's answer is not a JSON object.")
    return text, event


def _progress(_: str, event: Mapping[str, strict_json.Value], heartbeat: Heartbeat) -> None:
    percent, message = heartbeat.progress
    if isinstance(event.get("percent"), strict_json.Number):
        percent = round(min(max(float(event["percent"]), 0.0), 100.0))
    if type(event.get("message")) is str:
        message = printable(event["message"], MESSAGE_CHARACTERS)
    heartbeat.progress = percent, message


def _result(text: str, _: Mapping[str, strict_json.Value], __: Heartbeat) -> Outcome:
    return Outcome(Job.State.SUCCEEDED, result=strict_json.without(text, "event"))


def _error(_: str, event: Mapping[str, strict_json.Value], __: Heartbeat) -> Outcome:
    text = printable(f"{event.get('status', 'an error')}: {event.get('error', '')}", ERROR_CHARACTERS)
    return Outcome(Job.State.FAILED, error=f"The model server answered {text}")


_HANDLERS: Mapping[str, Callable[[str, Mapping[str, strict_json.Value], Heartbeat], Outcome | None]] = {
    "progress": _progress,
    "result": _result,
    "error": _error,
}
