"""`manage.py retrain`: starts a retrain from a shell, cron or CI, and waits for it where asked to."""

import json
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, connection
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
LOOK_SECONDS = 0.5
FAILED, BAD_INPUT, UNDER_WAY, CANCELLED, TIMED_OUT, INTERRUPTED = 1, 2, 3, 4, 5, 130
STATUSES = {Job.State.SUCCEEDED: 0, Job.State.FAILED: FAILED, Job.State.CANCELLED: CANCELLED}


class Command(BaseCommand):
    """Starts a retrain; the exit status tells how it went."""

    help = (
        "Starts a retrain as a job and prints the job's id. Exit status: 0 accepted, or with --wait succeeded; "
        "1 failed; 2 bad input; 3 another retrain is under way; 4 cancelled; 5 not ended within --timeout; "
        "130 after Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("--wait", action="store_true", help="wait until the job has ended, with a progress bar")
        parser.add_argument("--timeout", type=float, metavar="SECONDS", help="with --wait: how long; the job goes on")
        parser.add_argument("--model", help="which model, where the model server has several")
        parser.add_argument(
            "--param",
            action="append",
            default=[],
            metavar="K=V",
            help="a parameter of the training, any number of times; V is JSON, or else a string",
        )
        parser.add_argument(
            "--verdicts",
            nargs="?",
            const="true",
            metavar="WHICH",
            help="learn from judged inferences of the model; WHICH is JSON, an object of model, since and until",
        )

    def handle(self, *args: Any, wait: bool, timeout: float | None, **options: Any) -> None:
        """Prints the id, and how it ended."""
        if timeout is not None and not wait:
            raise CommandError("--timeout goes with --wait.", returncode=BAD_INPUT)
        job_id = self._start(_body(options["model"], options["param"], options["verdicts"]))
        self.stdout.write(str(job_id))
        self.stdout.flush()  # whoever reads a pipe wants it before the end
        if wait:
            self._wait(job_id, timeout)

    def _wait(self, job_id: UUID, timeout: float | None) -> None:
        goes_on = f"It goes on; to cancel it: {_cancelling(job_id)}"
        try:
            job = _ended(job_id, timeout)
        except KeyboardInterrupt:
            raise CommandError(f"Not waited for job {job_id} any longer. {goes_on}", returncode=INTERRUPTED) from None
        if job is None:
            raise CommandError(f"Job {job_id} has not ended within {timeout:g} s. {goes_on}", returncode=TIMED_OUT)
        if status := STATUSES[Job.State(job.state)]:
            raise CommandError(f"Job {job_id} {job.state}{f': {job.error}' if job.error else '.'}", returncode=status)
        self.stdout.write(job.state)

    def _start(self, body: str) -> UUID:
        try:
            request = RETRAIN.read(body.encode())
            return submission.start(RETRAIN, request, requested_by=REQUESTED_BY, request_id=str(uuid7())).id
        except BadInput as exc:
            faults = "; ".join(f"{fault.pointer} {fault.detail}" for fault in exc.field_errors)
            raise CommandError(f"{exc.detail} {faults}", returncode=BAD_INPUT) from exc
        except JobConflict as exc:
            other = f"job {exc.job.id}, {exc.job.state}, asked for by {exc.job.requested_by or 'nobody in particular'}"
            raise CommandError(f"Another retrain is under way: {other}.", returncode=UNDER_WAY) from exc
        except (DatabaseError, InterfaceError) as exc:
            raise CommandError(f"The database did not take the job ({type(exc).__name__}).", returncode=FAILED) from exc


def _body(model: str | None, params: Sequence[str], verdicts: str | None) -> str:
    """The job's body, numbers and conditions as they were typed."""
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


def _ended(job_id: UUID, timeout: float | None) -> Job | None:
    """The job once it has ended; None where it has not in time. A database that is away is waited for."""
    ends_at = time.monotonic() + timeout if timeout is not None else None
    with tqdm(total=100, unit="%", disable=None, bar_format="{l_bar}{bar}| {elapsed} {postfix}") as bar:
        while True:
            job = _look(job_id)
            if job is not None:
                bar.update(job.percent - bar.n)
                bar.set_postfix_str(job.message)
                if job.state not in Job.ACTIVE:
                    return job
            if ends_at is not None and time.monotonic() >= ends_at:
                return None
            time.sleep(LOOK_SECONDS)


def _look(job_id: UUID) -> Job | None:
    try:
        return queries.find(job_id)
    except (DatabaseError, InterfaceError):
        connection.close()
        return None


def _cancelling(job_id: UUID) -> str:
    gateway = f"http://{settings.BIND_HOST}:{settings.GATEWAY_PORT}"
    return f"curl -X POST {gateway}{reverse('retrain-job-cancel', args=[job_id])}"
