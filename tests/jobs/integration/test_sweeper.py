"""The sweeper recovers lost messages and jobs whose runner died. Concurrent sweeps are harmless."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import connections
from django.test import Client
from pytest_django import Settings

from common import broker
from jobs import runner, sweeper
from jobs.models import Job, WebhookDelivery
from tests.support.model import ScriptedModel
from tests.support.network import free_port
from tests.support.training_stream import Stream, trains
from tests.support.wait import until

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = "/ml/v1/retrain/jobs/"


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


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def messages(queue: redis.Redis) -> int:
    found: int = queue.llen(broker.JOBS_QUEUE)
    return found


@pytest.mark.parametrize("columns", [{"queued_at": ago(60)}, {"queued_at": None, "created_at": ago(60)}])
def test_it_resends_a_lost_message(gateway: Client, queue: redis.Redis, columns: dict[str, Any]) -> None:
    job_id = start(gateway)
    queue.flushall()
    Job.objects.update(**columns)
    sweeper.sweep()
    assert messages(queue) == 1
    assert Job.objects.filter(queued_at__gt=ago(5)).exists()
    sweeper.sweep()
    assert messages(queue) == 1
    assert Job.objects.get().id == job_id


def test_it_resends_nothing_while_the_queue_has_messages_or_the_job_is_young(
    gateway: Client, queue: redis.Redis
) -> None:
    start(gateway)
    Job.objects.update(queued_at=ago(60))
    sweeper.sweep()
    assert messages(queue) == 1
    queue.flushall()
    Job.objects.update(queued_at=ago(9))
    sweeper.sweep()
    assert messages(queue) == 0


def test_it_accepts_a_job_without_redis_and_sends_its_message_later(
    gateway: Client, settings: Settings, queue: redis.Redis
) -> None:
    there, settings.REDIS_URL = settings.REDIS_URL, f"redis://127.0.0.1:{free_port()}/0"
    response = gateway.post(JOBS, b"", content_type="application/json")
    assert (response.status_code, response.json()["state"]) == (202, "queued")
    assert "the queue is unavailable" in response.json()["progress"]["message"]
    assert Job.objects.get().message == response.json()["progress"]["message"]
    Job.objects.update(queued_at=ago(60))
    sweeper.sweep()
    assert Job.objects.get().state == "queued"
    settings.REDIS_URL = there
    sweeper.sweep()
    assert messages(queue) == 1


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


@pytest.mark.parametrize("columns", [{"leased_until": ago(-99_999)}, {"state": "succeeded"}])
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
