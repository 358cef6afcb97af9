"""The sweeper recovers lost messages and jobs whose runner died. Concurrent sweeps are harmless."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import connections
from django.db.models import F
from django.test import Client
from pytest_django import Settings

from common import broker
from jobs import kinds, runner, submission, sweeper
from jobs.heartbeat import Heartbeat
from jobs.kinds import JobKind
from jobs.models import Job, WebhookDelivery
from jobs.requests import JobRequest
from jobs.transitions import Outcome
from tests.support.model import ScriptedModel
from tests.support.network import free_port
from tests.support.training_stream import Stream, trains
from tests.support.wait import until

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = "/ml/v1/retrain/jobs/"
KIND = "swift"


class Kind:
    """A kind whose jobs end at once, and the ids of those that ran."""

    def __init__(self) -> None:
        self.runs: list[UUID] = []

    def run(self, job: Job, _: Heartbeat) -> Outcome:
        self.runs.append(job.id)
        return Outcome(Job.State.SUCCEEDED)


@pytest.fixture(autouse=True)
def kind() -> Iterator[Kind]:
    made = Kind()
    kinds.register(JobKind(name=KIND, run=made.run))
    yield made
    kinds.unregister(KIND)


@pytest.fixture(autouse=True)
def queue(empty_redis: str, settings: Settings) -> Iterator[redis.Redis]:
    settings.REDIS_URL = empty_redis
    settings.JOB_HEARTBEAT_SECONDS, settings.JOB_LEASE_SECONDS, settings.JOB_SWEEP_SECONDS = 0.05, 30, 5
    with redis.Redis.from_url(empty_redis) as connection:
        yield connection


def start(gateway: Client) -> UUID:
    response = gateway.post(JOBS, b"", content_type="application/json")
    assert response.status_code == 202
    return UUID(response.json()["id"])


def submit() -> UUID:
    """Queues a job of a kind of which any number may be active."""
    return submission.start(kinds.named(KIND), JobRequest("{}"), requested_by="", request_id="").id


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def messages(queue: redis.Redis) -> int:
    found: int = queue.llen(broker.JOBS_QUEUE)
    return found


def wait_for(job_id: UUID, seconds: float) -> float:
    """Moves the job back by `seconds` in time, and returns the seconds from now until its message counts as lost."""
    moved = timedelta(seconds=seconds)
    Job.objects.filter(pk=job_id).update(queued_at=F("queued_at") - moved, resend_at=F("resend_at") - moved)
    resend_at = Job.objects.get(pk=job_id).resend_at
    assert resend_at
    return (resend_at - datetime.now(UTC)).total_seconds()


def messages_of(queue: redis.Redis, job_id: UUID) -> int:
    return sum(str(job_id).encode() in message for message in queue.lrange(broker.JOBS_QUEUE, 0, -1))


@pytest.mark.parametrize("others", [0, 1, 50])
def test_it_resends_a_lost_message_however_many_others_wait(queue: redis.Redis, others: int) -> None:
    lost = submit()
    queue.flushall()
    waiting = [submit() for _ in range(others)]
    wait_for(lost, 11)
    sweeper.sweep()
    assert messages_of(queue, lost) == 1
    sweeper.sweep()
    assert messages_of(queue, lost) == 1
    assert [messages_of(queue, job_id) for job_id in waiting] == [1] * others


def test_it_resends_messages_that_a_killed_worker_had_prefetched(queue: redis.Redis) -> None:
    """They are in no queue until Celery's visibility timeout of days has passed."""
    lost = [submit() for _ in range(3)]
    for _ in lost:
        queue.rpop(broker.JOBS_QUEUE)
    submit()
    for job_id in lost:
        wait_for(job_id, 11)
    sweeper.sweep()
    assert [messages_of(queue, job_id) for job_id in lost] == [1, 1, 1]


def test_it_resends_the_message_of_a_process_that_died_before_it_was_sent(queue: redis.Redis) -> None:
    submit()
    lost = Job.objects.create(kind="retrain", **submission.queued_columns()).id
    assert messages_of(queue, lost) == 0
    wait_for(lost, 11)
    sweeper.sweep()
    assert messages_of(queue, lost) == 1


def test_it_resends_nothing_early(queue: redis.Redis) -> None:
    job_id = submit()
    queue.flushall()
    assert 0 < wait_for(job_id, 9) <= 1
    sweeper.sweep()
    assert messages(queue) == 0


def test_it_waits_twice_as_long_before_each_resend_and_at_most_an_hour(queue: redis.Redis) -> None:
    """No worker takes messages for two days, and the duplicates stay few."""
    job_id = submit()
    waits: list[float] = []
    while sum(waits) < 2 * 86400:
        wait_for(job_id, waits[-1] + 0.1 if waits else 10.1)
        sweeper.sweep()
        waits.append(wait_for(job_id, 0))
    growing = [wait for wait in waits if wait < 3599]
    assert 10 <= growing[0] < 11
    assert all(1.9 < later / wait < 2.1 for wait, later in pairwise(growing))
    assert {round(wait) for wait in waits[len(growing) :]} == {3600}
    assert messages(queue) == 1 + len(waits) < 60


def test_duplicate_messages_run_the_job_once(queue: redis.Redis, kind: Kind) -> None:
    job_id = submit()
    assert [runner.run(job_id) for _ in range(3)] == ["succeeded"] * 3
    assert kind.runs == [job_id]


def test_it_finds_a_job_whose_times_a_wrong_clock_wrote(queue: redis.Redis) -> None:
    """The clock was a day ahead when the job was queued, or when its runner took the lease."""
    lost = submit()
    queue.flushall()
    wait_for(lost, -86400)
    orphan(leased_until=ago(-86400))
    sweeper.sweep()
    assert messages_of(queue, lost) == 1
    assert not Job.objects.filter(state="running").exists()


def test_it_accepts_a_job_without_redis_and_sends_its_message_later(
    gateway: Client, settings: Settings, queue: redis.Redis
) -> None:
    there, settings.REDIS_URL = settings.REDIS_URL, f"redis://127.0.0.1:{free_port()}/0"
    response = gateway.post(JOBS, b"", content_type="application/json")
    assert (response.status_code, response.json()["state"]) == (202, "queued")
    assert "the queue is unavailable" in response.json()["progress"]["message"]
    assert Job.objects.get().message == response.json()["progress"]["message"]
    lost = UUID(response.json()["id"])
    wait_for(lost, 11)
    sweeper.sweep()
    job = Job.objects.get()
    assert (job.state, job.message) == ("queued", response.json()["progress"]["message"])
    settings.REDIS_URL = there
    submit()
    wait_for(lost, 60)
    sweeper.sweep()
    assert messages_of(queue, lost) == 1
    assert Job.objects.get(pk=lost).message == "waiting for a worker"


def test_it_asks_an_unavailable_redis_once_in_a_sweep(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    lost = [submit() for _ in range(3)]
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    for job_id in lost:
        wait_for(job_id, 11)
    sweeper.sweep()
    assert caplog.text.count("waits for the queue") == 1


def orphan(**columns: Any) -> Job:
    given = {"state": "running", "attempt": 1, "leased_until": ago(1), "percent": 40, **columns}
    return Job.objects.create(**{"kind": "retrain", **given})


@pytest.mark.parametrize(
    ("columns", "state", "said"),
    [
        ({"attempt": 2}, "failed", "not known whether the model was trained"),
        ({"attempt": 3}, "failed", "not known whether the model was trained"),
        ({"is_synchronous": True}, "failed", "The process that waited for the job died"),
        ({"cancel_requested": True}, "cancelled", None),
        ({"cancel_requested": True, "attempt": 2}, "cancelled", None),
        ({"cancel_requested": True, "is_synchronous": True}, "cancelled", None),
        ({"is_synchronous": True, "leased_until": None}, "failed", "The process that waited for the job died"),
    ],
)
def test_it_ends_a_job_that_lost_its_runner_and_can_not_be_retried(
    gateway: Client, queue: redis.Redis, columns: dict[str, Any], state: str, said: str | None
) -> None:
    job = orphan(**columns)
    WebhookDelivery.objects.create(job=job, url="https://example.com/")
    sweeper.sweep()
    job.refresh_from_db()
    assert (job.state, job.percent) == (state, 40)
    assert job.finished_at
    assert said in job.error if said and job.error else job.error is said
    assert WebhookDelivery.objects.get().due_at
    assert messages(queue) == 0
    start(gateway)


def test_it_requeues_a_job_that_lost_its_first_runner(
    gateway: Client, model: ScriptedModel, queue: redis.Redis
) -> None:
    model.script = trains(Stream.end)
    job = orphan(started_at=ago(100))
    sweeper.sweep()
    again = Job.objects.get()
    assert (again.state, again.leased_until, again.attempt) == ("queued", None, 1)
    assert messages(queue) == 1
    assert runner.run(job.id) == "succeeded"
    ended = Job.objects.get()
    assert (ended.attempt, ended.started_at) == (2, job.started_at)


def test_it_takes_no_job_from_a_live_runner(gateway: Client, model: ScriptedModel) -> None:
    """The lease expired while the database was unavailable."""
    swept = threading.Event()

    def script(stream: Stream) -> None:
        swept.wait(60)
        stream.end()

    model.script = trains(script)
    job_id = start(gateway)
    with ThreadPoolExecutor() as pool:
        ended = pool.submit(_run, job_id)
        until(lambda: Job.objects.get().state == "running")
        Job.objects.update(leased_until=ago(100))
        sweeper.sweep()
        assert Job.objects.get().state == "running"
        swept.set()
        assert ended.result() == "succeeded"
    assert Job.objects.get().attempt == 1


def _run(job_id: UUID) -> str:
    try:
        return runner.run(job_id)
    finally:
        connections.close_all()


def _sweep(_: int) -> None:
    try:
        sweeper.sweep()
    finally:
        connections.close_all()


def test_it_does_nothing_twice_with_concurrent_sweeps(queue: redis.Redis) -> None:
    orphan()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_sweep, range(8)))
    assert messages(queue) == 1
    assert Job.objects.get().state == "queued"


@pytest.mark.parametrize("columns", [{"leased_until": ago(-999)}, {"state": "succeeded"}])
def test_it_leaves_healthy_jobs_alone(columns: dict[str, Any], queue: redis.Redis) -> None:
    orphan(**columns)
    before = Job.objects.values().get()
    sweeper.sweep()
    assert Job.objects.values().get() == before
    assert messages(queue) == 0


def test_a_requeued_job_can_be_cancelled(gateway: Client, queue: redis.Redis) -> None:
    job = orphan()
    sweeper.sweep()
    assert gateway.post(f"{JOBS}{job.id}/cancel/").json()["state"] == "cancelled"
    assert runner.run(job.id) == "cancelled"
