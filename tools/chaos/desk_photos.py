"""`python -m tools.chaos.desk_photos --kills 200`: kills workers at random while they redraw desks.

A scripted server counts the paid calls. At the end each job must have ended with one picture, no answer that had been
kept may have been paid for again, and no file may be left that no result names. Exit status 1 otherwise.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import requests

from tests.support.system import System
from tests.support.wait import until
from tools.exit_signals import exit_on_signals

ENDED = {"succeeded", "failed", "cancelled"}
ACTIVE_JOBS = 6  # at most, at the same time
PROVIDER_SECONDS = 0.2
LATEST_KILL_SECONDS = 2.5  # after an attempt began; some must come through, for a job has 18 attempts
WHOLE_WORKER = 0.1  # this part of the kills hits the worker's main process, and the rest its children
END_SECONDS = 300.0  # for all jobs, once the kills are over
SETTINGS = {"JOB_LEASE_SECONDS": "2", "JOB_HEARTBEAT_SECONDS": "0.3", "JOB_SWEEP_SECONDS": "0.5"}


@dataclass
class Figures:
    """What happened."""

    seed: int
    kills: int = 0  # of a process while it ran a job
    answered: int = 0
    results: int = 0
    failed: list[str] = field(default_factory=list)
    not_ended: int = 0
    lost_attempts: int = 0
    paid_calls: int = 0
    repeated_calls: int = 0  # the worker died while the provider worked, or before the answer was kept
    repeated_after_sent: int = 0  # of these: the provider had sent its whole answer
    repeated_after_kept: int = 0  # of these: the answer was in the storage
    orphans: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether each promise was held."""
        broken = self.not_ended or self.repeated_after_kept or self.orphans
        return not broken and self.results + len(self.failed) == self.answered


class Campaign:
    """Starts jobs and kills workers, until so many kills have happened."""

    def __init__(  # noqa: PLR0917 - all of them are options
        self, system: System, server: Any, kills: int, seed: int, seconds: float, latest: float
    ) -> None:
        self._system, self._server, self._kills, self._seconds, self._latest = system, server, kills, seconds, latest
        self._random = random.Random(seed)  # noqa: S311 - not used for security
        self._jobs: dict[str, int] = {}  # the number of the picture
        self._by_picture: dict[bytes, str] = {}
        self._killed: set[tuple[str, int]] = set()  # jobs and attempts
        self.figures = Figures(seed)
        self._lock = threading.Lock()
        server.before_answer = lambda: time.sleep(PROVIDER_SECONDS)
        server.on_paid = self._paid

    def run(self) -> Figures:
        """Returns the figures."""
        begun = time.monotonic()
        while self.figures.kills < self._kills and time.monotonic() - begun < self._seconds:
            self._fill()
            until(self._running, seconds=END_SECONDS, what="a running job")
            time.sleep(self._random.uniform(0.0, self._latest))
            self._kill()
        self._end()
        self.figures.seconds = round(time.monotonic() - begun, 1)
        return self.figures

    def _fill(self) -> None:
        active = sum(state not in ENDED for state in self._states().values())
        for _ in range(ACTIVE_JOBS - active):
            self._start()

    def _start(self) -> None:
        from imaging import pictures  # noqa: PLC0415 - after Django is set up
        from tests.support.desk_server import V1, numbered  # noqa: PLC0415

        number, job_id = len(self._jobs) + 1, str(uuid4())
        self._by_picture[pictures.read(numbered(str(number))).data] = job_id
        self._jobs[job_id] = number
        body = {"image_url": f"{self._server.url}/{number}.jpg"}
        answer = requests.put(f"{self._system.url}{V1}{job_id}/", json=body, timeout=60)
        self.figures.answered += answer.status_code in {200, 202}

    def _running(self) -> set[tuple[str, int]]:
        """The attempts that run, as far as their workers were not killed. Restarts a worker that has ended."""
        self._supervise()
        rows = self._system.sql("SELECT id, attempt FROM jobs_job WHERE state = 'running'")
        return {(str(row[0]), row[1]) for row in rows} - self._killed

    def _supervise(self) -> None:
        """Celery's main process ends if its children are killed while they start; a supervisor starts it again."""
        if self._system.processes["worker-jobs"].poll() is not None:
            self._system.spawn("worker-jobs")

    def _kill(self) -> None:
        """Kills every process that runs jobs."""
        running = self._running()
        if self._random.random() < WHOLE_WORKER:
            self._system.kill("worker-jobs")
            self._system.spawn("worker-jobs")
        else:
            for child in self._system.family("worker-jobs")[:-1]:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        self._killed |= running
        self.figures.kills += len(running)

    def _paid(self, picture: bytes, calls: int, answers: int) -> None:
        """Judges a call of the provider when it arrives; `calls` and `answers` are those before it."""
        with self._lock:
            self.figures.paid_calls += 1
            if calls:
                self.figures.repeated_calls += 1
                self.figures.repeated_after_sent += bool(answers)
                self.figures.repeated_after_kept += bool(list(self._folder(self._by_picture[picture]).glob("*.answer")))

    def _folder(self, job_id: str) -> Path:
        return self._system.folder / "files" / "imaging" / "jobs" / job_id

    def _states(self) -> dict[str, str]:
        return {str(UUID(str(row[0]))): row[1] for row in self._system.sql("SELECT id, state FROM jobs_job")}

    def _end(self) -> None:
        try:
            until(self._have_ended, seconds=END_SECONDS)
            until(lambda: self._system.sql("SELECT count(*) FROM jobs_stageoutput")[0][0] == 0, what="tidying")
        except AssertionError:
            self.figures.not_ended = sum(state not in ENDED for state in self._states().values())
        [[lost]] = self._system.sql("SELECT coalesce(sum(attempt - 1), 0) FROM jobs_job WHERE attempt > 0")
        self.figures.lost_attempts = int(lost)
        for job_id in self._jobs:
            self._judge(job_id)

    def _have_ended(self) -> bool:
        self._supervise()
        return set(self._states().values()) <= ENDED

    def _judge(self, job_id: str) -> None:
        job = requests.get(f"{self._system.url}/ai/jobs/{job_id}/", timeout=60).json()
        expected = set()
        if job["state"] == "succeeded":
            expected = {"processed.jpg"}
            picture = requests.get(f"{self._system.url}{job['result']['processed_image_url']}", timeout=60)
            self.figures.results += picture.content[:3] == b"\xff\xd8\xff" and len(job["result"]["products"]) == 2
        elif job["state"] == "failed":
            self.figures.failed.append(job["error"])
        folder = self._folder(job_id)
        found = {path.name for path in folder.iterdir()} if folder.exists() else set()
        self.figures.orphans += [f"{job_id}/{name}" for name in sorted(found - expected)]


def campaign(  # noqa: PLR0917 - all of them are options
    system: System,
    server: Any,
    kills: int,
    seed: int,
    seconds: float = 3600.0,
    latest: float = LATEST_KILL_SECONDS,
) -> Figures:
    """Runs one on a system with `redis`, `web`, `worker-jobs` and `beat`, whose settings are those of the server."""
    return Campaign(system, server, kills, seed, seconds, latest).run()


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="chaos.desk_photos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="of a process while it runs a job")
    parser.add_argument("--seconds", type=float, default=3600.0, help="time limit for the kills")
    parser.add_argument(
        "--latest",
        type=float,
        default=LATEST_KILL_SECONDS,
        help="seconds after an attempt began; more on a slow machine (%(default)s)",
    )
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args(argv)
    state = Path(tempfile.mkdtemp(prefix="ml-proxy-desks-"))
    os.environ |= {"DJANGO_SETTINGS_MODULE": "backend.settings", "DEBUG": "1", "VAR_DIR": str(state / "here")}
    import django  # noqa: PLC0415 - after the environment is complete

    django.setup()
    from tests.support.desk_server import DeskServer, settings_of  # noqa: PLC0415 - after Django is set up

    with closing(DeskServer()) as server:
        system = System(state, **SETTINGS, **settings_of(server.url))
        system.manage("migrate", "-v0")
        try:
            system.start("redis", "web", "worker-jobs", "beat")
            figures = campaign(system, server, options.kills, options.seed, options.seconds, options.latest)
        finally:
            system.stop()
    print(json.dumps(asdict(figures), indent=1, ensure_ascii=False))
    print("each promise was held" if figures.is_whole else f"broken; logs are in {state}")
    return 0 if figures.is_whole else 1


if __name__ == "__main__":
    exit_on_signals()
    sys.exit(main())
