"""Races between the transitions of a job: whoever comes too late changes nothing, and a cancelled job stays cancelled.

Most tests run the rival between the read and the write of the other side. The last ones let real threads race.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import IntegrityError, connections, transaction
from pytest_django import Settings

from common import broker
from jobs import kinds, runner, submission, sweeper, transitions
from jobs.heartbeat import Heartbeat, Stop
from jobs.kinds import JobKind
from jobs.leases import lease_conditions
from jobs.models import Job, WebhookDelivery
from jobs.queries import JobConflict
from jobs.transitions import CANCELLED, Outcome
from jobs.webhooks import deliveries
from tests.support.interposed import interposed
from tests.support.model import ScriptedModel
from tests.support.webhooks import ended_job_webhook, make_due, start_receiver

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "raced"
URL = "https://example.com/"
SUCCEEDED = Outcome(Job.State.SUCCEEDED, result='{"done": true}')
FAILED = Outcome(Job.State.FAILED, error="It failed.")
ROUNDS = 15


class Kind:
    """A kind whose jobs end at once; knows which jobs ran."""

    def __init__(self) -> None:
        self.runs: list[UUID] = []

    def run(self, job: Job, _: Heartbeat) -> Outcome:
        self.runs.append(job.id)
        return SUCCEEDED


@pytest.fixture(autouse=True)
def kind(empty_redis: str, settings: Settings) -> Iterator[Kind]:
    settings.REDIS_URL = empty_redis
    settings.JOB_HEARTBEAT_SECONDS, settings.JOB_LEASE_SECONDS, settings.JOB_SWEEP_SECONDS = 0.01, 30, 5
    made = Kind()
    kinds.register(JobKind(name=KIND, run=made.run))
    yield made
    kinds.unregister(KIND)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The ids of ended jobs, once for each end."""
    found: list[UUID] = []
    monkeypatch.setattr(transitions, "_end_followers", [found.append])
    return found


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def with_webhook(**columns: Any) -> Job:
    job = Job.objects.create(kind=KIND, **columns)
    WebhookDelivery.objects.create(job=job, url=URL)
    return job


def queued(**columns: Any) -> Job:
    return with_webhook(**{**submission.queued_columns(), **columns})


def overdue() -> Job:
    return queued(resend_at=ago(1))


def running(**columns: Any) -> Job:
    return with_webhook(**{"state": "running", "attempt": 1, "leased_until": ago(-30), **columns})


def orphan(**columns: Any) -> Job:
    return running(leased_until=ago(1), **columns)


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def messages(url: str) -> int:
    with redis.Redis.from_url(url) as connection:
        found: int = connection.llen(broker.JOBS_QUEUE)
        return found


@pytest.mark.parametrize("columns", [{}, {"attempt": 2}, {"is_synchronous": True}])
def test_a_cancel_in_the_sweeper_s_pause_wins(columns: dict[str, Any], ends: list[UUID], empty_redis: str) -> None:
    job = orphan(**columns)
    with interposed(lambda: transitions.cancel(job.id)):
        sweeper.sweep()
    assert (state(job), job.error, job.message) == ("cancelled", None, "cancelled")
    assert (ends, messages(empty_redis)) == ([job.id], 0)
    assert WebhookDelivery.objects.get().due_at


@pytest.mark.parametrize("outcome", [SUCCEEDED, CANCELLED, FAILED])
@pytest.mark.parametrize("columns", [{}, {"attempt": 2}, {"cancel_requested": True}])
def test_an_end_in_the_sweeper_s_pause_wins(
    columns: dict[str, Any], outcome: Outcome, ends: list[UUID], empty_redis: str
) -> None:
    job = orphan(**columns)
    with interposed(lambda: transitions.end(job.id, outcome, **lease_conditions(job))):
        sweeper.sweep()
    expected = CANCELLED if columns.get("cancel_requested") and outcome is FAILED else outcome
    assert (state(job), job.result, job.error) == (expected.state, expected.result, expected.error)
    assert (ends, messages(empty_redis)) == ([job.id], 0)


def test_a_heartbeat_in_the_sweeper_s_pause_keeps_the_job(empty_redis: str) -> None:
    job = orphan()
    with interposed(lambda: Heartbeat(job)._beat()):
        sweeper.sweep()
    assert (state(job), job.attempt, messages(empty_redis)) == ("running", 1, 0)


def test_another_attempt_in_the_sweeper_s_pause_keeps_the_job(empty_redis: str) -> None:
    """Another sweeper requeues the job, and a runner of a second attempt claims it."""
    job = orphan()

    def rival() -> None:
        sweeper.sweep()
        assert runner._claim(job.id)

    with interposed(rival):
        sweeper.sweep()
    assert (state(job), job.attempt, messages(empty_redis)) == ("running", 2, 1)


def test_a_cancel_before_a_resend_wins(empty_redis: str) -> None:
    job = overdue()
    with interposed(lambda: transitions.cancel(job.id)):
        sweeper.sweep()
    assert (state(job), job.message, messages(empty_redis)) == ("cancelled", "cancelled", 0)


def test_a_claim_before_a_resend_wins(kind: Kind, empty_redis: str) -> None:
    job = overdue()
    with interposed(lambda: runner._claim(job.id)):
        sweeper.sweep()
    assert (state(job), job.message, messages(empty_redis)) == ("running", "running", 0)


def test_a_resend_before_a_resend_wins(empty_redis: str) -> None:
    overdue()
    with interposed(sweeper.sweep):
        sweeper.sweep()
    assert messages(empty_redis) == 1


def test_a_cancel_before_a_claim_wins(kind: Kind, ends: list[UUID]) -> None:
    job = queued()
    with interposed(lambda: transitions.cancel(job.id)):
        assert runner.run(job.id) == "cancelled"
    assert (kind.runs, ends) == ([], [job.id])


def test_a_claim_before_a_claim_wins(kind: Kind) -> None:
    job = queued()
    with interposed(lambda: runner.run(job.id)) as rival:
        assert runner.run(job.id) == "succeeded"
    assert (rival, kind.runs) == (["succeeded"], [job.id])


def test_a_claim_before_a_cancel_is_asked_to_stop() -> None:
    job = queued()
    with interposed(lambda: runner._claim(job.id)):
        cancelled = transitions.cancel(job.id)
    assert (cancelled.state, cancelled.cancel_requested, cancelled.message) == ("running", True, "cancelling")


def test_an_end_before_a_cancel_wins(ends: list[UUID]) -> None:
    job = running()
    with (
        interposed(lambda: transitions.end(job.id, SUCCEEDED, **lease_conditions(job))),
        pytest.raises(JobConflict, match="already ended: succeeded"),
    ):
        transitions.cancel(job.id)
    assert (state(job), ends) == ("succeeded", [job.id])


def test_a_requeue_during_a_cancel_does_not_lose_the_cancel(ends: list[UUID]) -> None:
    job = orphan()
    with interposed(sweeper.sweep, before=lambda sql: sql.startswith("UPDATE") and "finished_at" not in sql):
        assert transitions.cancel(job.id).state == "cancelled"
    assert ends == [job.id]


def test_progress_does_not_hide_a_cancel() -> None:
    job = running()
    heartbeat = Heartbeat(job)
    heartbeat.progress = 60, "epoch 3 of 5"
    with interposed(lambda: transitions.cancel(job.id)):
        heartbeat._beat()
    assert (state(job), job.message, job.percent) == ("running", "cancelling", 0)
    assert heartbeat.stop is Stop.CANCELLED


@pytest.mark.parametrize(("outcome", "expected"), [(FAILED, CANCELLED), (SUCCEEDED, SUCCEEDED)])
def test_a_cancel_before_an_end_counts_unless_the_job_succeeded(
    outcome: Outcome, expected: Outcome, ends: list[UUID]
) -> None:
    """The heartbeat has not noticed the cancel yet."""
    job = running()
    with interposed(lambda: transitions.cancel(job.id)):
        assert transitions.end(job.id, outcome, **lease_conditions(job)) == expected.state
    assert (state(job), job.result, job.error) == (expected.state, expected.result, None)
    assert ends == [job.id]


class TestWebhooks:
    @pytest.fixture
    def receiver(self, model: ScriptedModel, settings: Settings) -> ScriptedModel:
        return start_receiver(model, settings)

    def test_another_worker_s_claim_wins(self, receiver: ScriptedModel) -> None:
        ended_job_webhook(receiver.url)
        with interposed(deliveries.deliver_due) as rival:
            assert deliveries.deliver_due() == 0
        assert (rival, len(receiver.requests)) == ([1], 1)

    def test_a_worker_that_stalls_after_its_claim_sends_nothing(self, receiver: ScriptedModel) -> None:
        """Its claim expires, and another worker claims the delivery before the first one reads it."""
        delivery = ended_job_webhook(receiver.url)

        def rival() -> bool:
            make_due(delivery)
            [(delivery_id, attempts)] = WebhookDelivery.objects.values_list("id", "attempts")
            return bool(WebhookDelivery.objects.filter(pk=delivery_id).update(attempts=attempts + 1))

        with interposed(rival, before=lambda sql: sql.startswith("SELECT") and "jobs_job" in sql):
            assert deliveries.deliver_due() == 0
        assert receiver.requests == []

    def test_it_sends_one_whose_due_time_a_wrong_clock_wrote(self, receiver: ScriptedModel) -> None:
        ended_job_webhook(receiver.url)
        WebhookDelivery.objects.update(due_at=ago(-30 * 86400))
        assert deliveries.deliver_due() == 1


@pytest.mark.parametrize("columns", [{"cancel_requested": True}, {"resend_at": None}, {"queued_at": None}])
def test_the_database_refuses_a_queued_job_that_would_be_lost_or_resurrected(columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        queued(**columns)


def race(*rivals: Callable[[], object]) -> None:
    """Runs all at the same moment. A rival that comes too late may raise `JobConflict`."""
    together = threading.Barrier(len(rivals))

    def run(act: Callable[[], object]) -> None:
        try:
            together.wait(60)
            act()
        except JobConflict:
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(rivals)) as pool:
        list(pool.map(run, rivals))


def test_of_all_transitions_of_an_orphan_at_once_one_wins(ends: list[UUID]) -> None:
    for _ in range(ROUNDS):
        job = orphan()
        race(
            partial(transitions.cancel, job.id),
            partial(transitions.end, job.id, FAILED, **lease_conditions(job)),
            sweeper.sweep,
            sweeper.sweep,
        )
        sweeper.sweep()
        assert state(job) in {"cancelled", "failed"}
        assert ends == [job.id]
        ends.clear()


def test_of_all_transitions_of_a_queued_job_at_once_one_wins(kind: Kind, ends: list[UUID]) -> None:
    for _ in range(ROUNDS):
        job = overdue()
        race(
            partial(transitions.cancel, job.id),
            partial(runner.run, job.id),
            partial(runner.run, job.id),
            sweeper.sweep,
        )
        assert state(job) in {"cancelled", "succeeded"}
        assert ends == [job.id]
        assert kind.runs.count(job.id) <= 1
        ends.clear()
