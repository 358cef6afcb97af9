"""`manage.py retrain`: starts a retrain from a shell, cron or CI, and optionally waits for it."""

import json
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection
from django.urls import reverse
from tqdm import tqdm

from common import strict_json
from common.exceptions import BadInput
from common.ids import uuid7
from jobs import queries, submission
from jobs.models import Job
from jobs.queries import JobConflict
from ml_proxy.retrain.kind import RETRAIN

REQUESTED_BY = "manage.py retrain"
POLL_SECONDS = 0.5
FAILED, BAD_INPUT, CONFLICT, CANCELLED, TIMED_OUT, INTERRUPTED = 1, 2, 3, 4, 5, 130
STATUSES = {Job.State.SUCCEEDED: 0, Job.State.FAILED: FAILED, Job.State.CANCELLED: CANCELLED}


class Command(BaseCommand):
    """Starts a retrain and reports its outcome by the exit status."""

    help = (
        "Starts a retrain as a job and prints the job's id. Exit status: 0 accepted, or with --wait succeeded; "
        "1 failed; 2 bad input; 3 another retrain is active; 4 cancelled; 5 not ended within --timeout; "
        "130 after Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the options."""
        parser.add_argument("--wait", action="store_true", help="wait until the job has ended, with a progress bar")
        parser.add_argument(
            "--timeout", type=float, metavar="SECONDS", help="with --wait: give up waiting; the job continues"
        )
        parser.add_argument("--model", help="the model to train, if the model server has several")
        parser.add_argument(
            "--param",
            action="append",
            default=[],
            metavar="K=V",
            help="a training parameter; may be repeated; V is parsed as JSON if possible, otherwise it is a string",
        )
        parser.add_argument(
            "--verdicts",
            nargs="?",
            const="true",
            default="true",
            metavar="WHICH",
            help="train on judged inferences: a JSON object of model, since and until; default: all of the model",
        )
        parser.add_argument(
            "--no-verdicts",
            dest="verdicts",
            action="store_const",
            const=None,
            help="send no verdicts; the reference model server still keeps what it was taught before",
        )

    def handle(self, *args: Any, wait: bool, timeout: float | None, **options: Any) -> None:
        """Starts the job and prints its id; with `wait`, also prints its final state."""
        if timeout is not None and not wait:
            raise CommandError("--timeout requires --wait.", returncode=BAD_INPUT)
        job_id = self._start(_body(options["model"], options["param"], options["verdicts"]))
        self.stdout.write(str(job_id))
        self.stdout.flush()  # a process that reads the pipe needs the id at once
        if wait:
            self._wait(job_id, timeout)

    def _wait(self, job_id: UUID, timeout: float | None) -> None:
        hint = f"The job continues; to cancel it: {_cancel_command(job_id)}"
        try:
            job = _wait_for_end(job_id, timeout)
        except KeyboardInterrupt:
            raise CommandError(f"Stopped waiting for job {job_id}. {hint}", returncode=INTERRUPTED) from None
        if job is None:
            raise CommandError(f"Job {job_id} has not ended within {timeout:g} s. {hint}", returncode=TIMED_OUT)
        if status := STATUSES[Job.State(job.state)]:
            raise CommandError(f"Job {job_id} {job.state}{f': {job.error}' if job.error else '.'}", returncode=status)
        self.stdout.write(job.state)

    def _start(self, body: str) -> UUID:
        try:
            request = RETRAIN.read(body.encode())
            return submission.start(RETRAIN, request, requested_by=REQUESTED_BY, request_id=str(uuid7())).id
        except BadInput as exc:
            errors = "; ".join(f"{error.pointer} {error.detail}" for error in exc.field_errors)
            raise CommandError(f"{exc.detail} {errors}", returncode=BAD_INPUT) from exc
        except JobConflict as exc:
            other = f"job {exc.job.id}, {exc.job.state}, requested by {exc.job.requested_by or 'an anonymous caller'}"
            raise CommandError(f"Another retrain is active: {other}.", returncode=CONFLICT) from exc
        except Error as exc:
            raise CommandError(f"The database can't store the job ({type(exc).__name__}).", returncode=FAILED) from exc


def _body(model: str | None, params: Sequence[str], verdicts: str | None) -> str:
    """Builds the job's body; numbers and conditions stay as typed."""
    members = [f'"model": {json.dumps(model)}'] if model is not None else []
    if params:
        members.append(f'"params": {{{", ".join(map(_member, params))}}}')
    if verdicts is not None:
        members.append(f'"verdicts": {verdicts}')
    return f"{{{', '.join(members)}}}"


def _member(param: str) -> str:
    name, separator, value = param.partition("=")
    if not (name and separator):
        raise CommandError(f"--param {param!r} is not K=V.", returncode=BAD_INPUT)
    try:
        strict_json.parse(value)
    except strict_json.NotJSON:
        value = json.dumps(value)
    return f"{json.dumps(name)}: {value}"


def _wait_for_end(job_id: UUID, timeout: float | None) -> Job | None:
    """Waits until the job has ended and returns it; None after the timeout. Waits through database outages."""
    ends_at = time.monotonic() + timeout if timeout is not None else None
    with tqdm(total=100, unit="%", disable=None, bar_format="{l_bar}{bar}| {elapsed} {postfix}") as bar:
        while True:
            job = _poll(job_id)
            if job is not None:
                bar.update(job.percent - bar.n)
                bar.set_postfix_str(job.message)
                if job.state not in Job.ACTIVE:
                    return job
            if ends_at is not None and time.monotonic() >= ends_at:
                return None
            time.sleep(POLL_SECONDS)


def _poll(job_id: UUID) -> Job | None:
    try:
        return queries.find(job_id)
    except Error:
        connection.close()
        return None


def _cancel_command(job_id: UUID) -> str:
    gateway = f"http://{settings.BIND_HOST}:{settings.GATEWAY_PORT}"
    return f"curl -X POST {gateway}{reverse('retrain-job-cancel', args=[job_id])}"
