"""Runs a job in stages. What a stage made is committed before the next one begins.

So an attempt that follows a killed one goes on at the first stage without an output. An error that a retry may help
(its class has `retry_after`) is retried within the stage's bounds. The error of a failed job names the stage.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import Error, IntegrityError, connection, transaction

from common.exceptions import GatewayError
from jobs.heartbeat import Heartbeat, Stop
from jobs.leases import lease_conditions, lease_expiry
from jobs.models import Job, StageOutput

log = logging.getLogger(__name__)

PAUSES = (2.0, 10.0)  # seconds before the second try of a stage, and before the third
KEEP_PAUSE_SECONDS = 0.5

Outputs = Mapping[str, Any]  # by the stage's name: what it made, as JSON


class Stopped(Exception):
    """The run must end: its job was cancelled, or another runner took it over."""


class StageFailed(GatewayError):
    """A stage failed for good. The text names it."""

    kind = "stage-failed"
    title = "A stage of the job failed"


@dataclass(frozen=True)
class Stage:
    """One stage. `run` takes the outputs of those before it, and returns its own as JSON."""

    name: str
    percent: int  # how much of the job is done when it begins
    run: Callable[[Outputs], Any]


def run_stages(job: Job, heartbeat: Heartbeat, stages: Sequence[Stage]) -> dict[str, Any]:
    """Runs the stages that have no output yet, and returns all outputs. Raises `StageFailed` or `Stopped`."""
    outputs: dict[str, Any] = _database(heartbeat, lambda: outputs_of(job.id))
    for stage in stages:
        if stage.name not in outputs:
            heartbeat.progress = stage.percent, stage.name
            outputs[stage.name] = _made(stage, outputs, heartbeat)
            _keep(job, stage.name, outputs[stage.name], heartbeat)
    return outputs


def outputs_of(job_id: UUID) -> dict[str, Any]:
    """What the stages of a job made so far. Raises Django's database errors."""
    rows = StageOutput.objects.filter(job=job_id).order_by("id")
    return {row.stage: json.loads(row.output) for row in rows}


def add_output(job: Job, stage: str, output: Any) -> None:
    """Stores the output of a stage that need not run, in the transaction that creates the job."""
    StageOutput.objects.create(job=job, stage=stage, output=_text(output))


def ended_with_outputs(kind: str, most: int) -> list[Job]:
    """Jobs that have ended, whose outputs are still there; the oldest first."""
    ended = Job.objects.filter(kind=kind, stage_outputs__isnull=False).exclude(state__in=Job.ACTIVE)
    return list(ended.distinct().order_by("id")[:most])


def forget_outputs(job_id: UUID) -> None:
    """Deletes the outputs of a job that has ended."""
    StageOutput.objects.filter(job=job_id).exclude(job__state__in=Job.ACTIVE).delete()


def _made(stage: Stage, outputs: Outputs, heartbeat: Heartbeat) -> Any:
    for pause in (*PAUSES, None):
        _refuse_stop(heartbeat)
        try:
            return stage.run(outputs)
        except GatewayError as exc:
            _refuse_stop(heartbeat)
            if pause is None or exc.retry_after is None:
                raise StageFailed(f"{stage.name}: {exc.detail}") from exc
            reason = type(exc).__name__
        except Error as exc:
            connection.close()
            _refuse_stop(heartbeat)
            if pause is None:
                raise StageFailed(f"{stage.name}: the database failed ({type(exc).__name__}).") from exc
            reason = type(exc).__name__
        except Exception as exc:
            log.exception("the stage %s failed", stage.name)
            raise StageFailed(f"{stage.name}: the gateway failed ({type(exc).__name__}).") from exc
        log.warning("the stage %s is tried again in %.0f s (%s)", stage.name, pause, reason)
        heartbeat.wait(pause)
    raise AssertionError("the last try returns or raises")


def _keep(job: Job, stage: str, output: Any, heartbeat: Heartbeat) -> None:
    """Commits an output, if this run still holds the job. Tries until the database takes it."""

    def store() -> None:
        with transaction.atomic():
            held = Job.objects.filter(pk=job.pk, **lease_conditions(job))
            if not held.update(leased_until=lease_expiry()):
                raise Stopped
            StageOutput.objects.create(job=job, stage=stage, output=text)

    text = _text(output)
    try:
        _database(heartbeat, store)
    except IntegrityError:
        log.info("the output of the stage %s is already there", stage)  # the first commit was not confirmed


def _database(heartbeat: Heartbeat, act: Callable[[], Any]) -> Any:
    """Does it again while the database fails and this run still holds the job."""
    while True:
        try:
            return act()
        except IntegrityError:
            raise
        except Error as exc:
            connection.close()
            log.warning("the outputs of stages wait for the database (%s)", type(exc).__name__)
            if heartbeat.stop is Stop.VOID:
                raise Stopped from exc
            time.sleep(KEEP_PAUSE_SECONDS)


def _refuse_stop(heartbeat: Heartbeat) -> None:
    if heartbeat.stop is not None:
        raise Stopped


def _text(output: Any) -> str:
    return json.dumps(output, ensure_ascii=False)
