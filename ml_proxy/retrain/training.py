"""Has the model server train, and understands what it says: events line by line, or one answer at the end."""

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
from ml_proxy.retrain.requests import VERDICTS
from ml_proxy.retrain.training_payload import TrainingPayload, training_payload
from ml_proxy.upstream import Answer, Reply, Switch

BUSY = 409
BUSY_SECONDS = 60.0  # that a training which was cancelled, or whose runner died, may take to be wound up
BUSY_PAUSE_SECONDS = 1.0


def train(job: Job, heartbeat: Heartbeat) -> Outcome:
    """One retrain, under a key of the job's own, so that one that had ended is not done again. Raises `UpstreamError`.

    There is one job at a time, so a model server that is busy winds up the one before, or an attempt that died: it is
    asked again for a while.
    """
    payload = training_payload(job)
    if payload.verdicts:
        heartbeat.progress = 0, f"hands over {payload.handed_over} judged inferences, {payload.left_out} are left out"
    ends_at = time.monotonic() + BUSY_SECONDS
    while True:
        found = _asked(job, payload, heartbeat)
        if isinstance(found, Outcome):
            return _with_counts(found, payload)
        may_be_over_soon = found.status == BUSY and time.monotonic() < ends_at
        if not may_be_over_soon or heartbeat.wait(BUSY_PAUSE_SECONDS):
            return _with_counts(outcome_of(found), payload)


def outcome_of(answer: Answer) -> Outcome:
    """How a job ends with a whole answer."""
    if not answer.is_success:
        said = printable(answer.body[: 4 * ERROR_CHARACTERS].decode("utf-8", "replace"), ERROR_CHARACTERS)
        return Outcome(Job.State.FAILED, error=f"The model server answered {answer.status}: {said}")
    try:
        text = strict_json.decode(answer.body)
        strict_json.parse(text)
    except strict_json.NotJSON:
        text = "null"
    return Outcome(Job.State.SUCCEEDED, result=text)


def _with_counts(outcome: Outcome, payload: TrainingPayload) -> Outcome:
    """With what was handed over in the result, where that is an object."""
    if payload.verdicts is None or outcome.result is None or not outcome.result.lstrip().startswith("{"):
        return outcome
    return replace(outcome, result=strict_json.with_member(outcome.result, VERDICTS, payload.verdicts))


def _asked(job: Job, payload: TrainingPayload, heartbeat: Heartbeat) -> Outcome | Answer:
    fields = {
        "Content-Type": "application/json",
        "Accept": "application/x-ndjson",
        "Idempotency-Key": payload.key,
        "X-Request-ID": job.request_id,
    }
    switch = Switch()
    heartbeat.when_stopped(switch.cut)
    with upstream.exchange(
        "retrain", fields=fields, body=payload.body, total_seconds=settings.RETRAIN_JOB_SECONDS, switch=switch
    ) as reply:
        return _heard(reply, heartbeat) if reply.comes_in_lines else reply.whole()


def _heard(reply: Reply, heartbeat: Heartbeat) -> Outcome:
    """Follows the events up to the one that ends the training; what is no event that this side knows is left out."""
    for line in filter(bytes.strip, reply.lines()):
        text, event = _read(line)
        understand = _EVENTS.get(str(strict_json.member(event, "event")))
        if understand and (outcome := understand(text, dict(event), heartbeat)):
            return outcome
    raise UpstreamBroken("The model server's answer ended without a result; it may still have trained.")


def _read(line: bytes) -> tuple[str, strict_json.Value]:
    try:
        text = strict_json.decode(line)
        event = strict_json.parse(text)
    except strict_json.NotJSON:
        raise UpstreamBroken("A line of the model server's answer is not JSON, or broke off.") from None
    if not strict_json.is_object(event):
        raise UpstreamBroken("A line of the model server's answer is no JSON object.")
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
    said = printable(f"{event.get('status', 'an error')}: {event.get('error', '')}", ERROR_CHARACTERS)
    return Outcome(Job.State.FAILED, error=f"The model server answered {said}")


_EVENTS: Mapping[str, Callable[[str, Mapping[str, strict_json.Value], Heartbeat], Outcome | None]] = {
    "progress": _progress,
    "result": _result,
    "error": _error,
}
