"""Frequent periodic tasks do not pile up while no worker takes them, and old results are cleaned up."""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from django_celery_results.models import TaskResult
from pytest_django import Settings

from common.broker import UPKEEP_QUEUE
from tests.support.network import free_port


@pytest.fixture(autouse=True)
def _redis(empty_redis: str, settings: Settings) -> None:
    settings.REDIS_URL = empty_redis


@pytest.mark.parametrize(("waiting", "is_due"), [(0, True), (9, True), (10, False)])
def test_it_sends_while_earlier_messages_are_taken(waiting: int, is_due: bool, empty_redis: str) -> None:
    from worker.beat import BoundedSchedule  # noqa: PLC0415 - creates an application, which other tests must not see

    with redis.Redis.from_url(empty_redis) as connection:
        connection.rpush(UPKEEP_QUEUE, "", *[""] * waiting)
        connection.lpop(UPKEEP_QUEUE)
    every = BoundedSchedule(5)
    state = every.is_due(every.now() - timedelta(seconds=6))
    assert (state.is_due, state.next) == (is_due, 5)
    assert not every.is_due(every.now() - timedelta(seconds=2)).is_due


def test_it_sends_nothing_while_redis_is_unavailable(settings: Settings) -> None:
    from worker.beat import BoundedSchedule  # noqa: PLC0415

    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    every = BoundedSchedule(5)
    assert not every.is_due(every.now() - timedelta(seconds=6)).is_due


@pytest.mark.django_db
def test_it_deletes_the_previous_day_s_results() -> None:
    from worker.beat import app as beat  # noqa: PLC0415
    from worker.jobs import app as jobs  # noqa: PLC0415

    for name in ("old", "new"):
        TaskResult.objects.create(task_id=name, status="SUCCESS")
    TaskResult.objects.filter(task_id="old").update(date_done=datetime.now(UTC) - timedelta(hours=25))
    jobs.tasks[beat.conf.beat_schedule["celery.backend_cleanup"]["task"]]()
    assert TaskResult.objects.values_list("task_id", flat=True).get() == "new"


def test_beat_schedules_only_registered_tasks() -> None:
    from worker.beat import app as beat  # noqa: PLC0415
    from worker.jobs import app as jobs  # noqa: PLC0415

    assert {entry["task"] for entry in beat.conf.beat_schedule.values()} <= set(jobs.tasks)
    assert {entry["options"]["queue"] for entry in beat.conf.beat_schedule.values()} == {UPKEEP_QUEUE}


def test_no_upkeep_task_leaves_a_result() -> None:
    """Both applications must say so: a message of beat says whether its result counts, and the worker obeys it."""
    from jobs.kinds import RUN_JOB  # noqa: PLC0415
    from worker.beat import app as beat  # noqa: PLC0415
    from worker.jobs import app as jobs  # noqa: PLC0415

    upkeep = {entry["task"] for entry in beat.conf.beat_schedule.values()}
    assert {name for name in upkeep for app in (beat, jobs) if not app.tasks[name].ignore_result} == set()
    own = {name for name in jobs.tasks if not name.startswith(("celery.", "tests."))}
    assert {name for name in own if not jobs.tasks[name].ignore_result} == {RUN_JOB}
