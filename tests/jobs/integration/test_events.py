"""A job's events: progress, the end, and what happens if the database is away or the stream has lasted long enough."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.test.client import RequestFactory
from pytest_django import Settings

from common.exceptions import TooManyListeners
from jobs import events
from jobs.models import Job
from jobs.representation import described
from tests.support.databases import table_missing

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    return Job.objects.create(kind="retrain", state=Job.State.RUNNING, message="epoch 1", percent=7)


@pytest.fixture
def stream(job: Job, monkeypatch: pytest.MonkeyPatch) -> Iterator[events.EventStream]:
    monkeypatch.setattr(events, "POLL_SECONDS", 0.01)
    made = events.listen(job, described, RequestFactory().get("/"))
    yield made
    made.close()


def read(piece: Any) -> tuple[str, Any]:
    name, data = bytes(piece).decode().strip().split("\n", 1)
    return name.removeprefix("event: "), json.loads("".join(line.removeprefix("data: ") for line in data.split("\n")))


def test_each_change_is_told_once_and_the_end_has_the_whole_job(stream: events.EventStream, job: Job) -> None:
    pieces = iter(stream)
    assert next(pieces) == b"retry: 1000\n\n"
    assert read(next(pieces)) == (
        "progress",
        {"id": str(job.id), "state": "running", "progress": {"percent": 7, "message": "epoch 1"}},
    )
    Job.objects.update(percent=8)
    assert read(next(pieces))[1]["progress"]["percent"] == 8
    Job.objects.update(state=Job.State.SUCCEEDED, result='{\n"a": [1,\n2]}')
    name, data = read(next(pieces))
    assert (name, data["state"], data["result"]) == ("end", "succeeded", {"a": [1, 2]})
    assert list(pieces) == []


def test_between_changes_it_shows_that_it_is_there_and_then_lets_go(
    stream: events.EventStream, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOB_EVENTS_SECONDS = 0.5
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    _, _, *silent, last = list(stream)
    assert set(silent) == {b": still there\n\n"}
    assert last == b": connect again\n\n"


@pytest.mark.django_db(transaction=True)
def test_it_ends_with_an_event_if_the_database_is_away(stream: events.EventStream) -> None:
    pieces = iter(stream)
    assert [next(pieces), next(pieces)]
    with table_missing("jobs_job"):
        assert read(next(pieces))[0] == "unavailable"
        assert list(pieces) == []


def test_a_caller_has_so_many_listeners(job: Job, settings: Settings) -> None:
    settings.LISTENERS_PER_CALLER = 2
    request = RequestFactory().get("/")
    open_streams = [events.listen(job, described, request) for _ in range(2)]
    with pytest.raises(TooManyListeners):
        events.listen(job, described, request)
    for each in open_streams:
        each.close()
    events.listen(job, described, request).close()


def test_a_server_that_pauses_by_itself_gets_empty_pieces(stream: events.EventStream) -> None:
    assert stream.take_pauses() is not None
    pieces = iter(stream)
    found = [next(pieces) for _ in range(4)]
    assert [bool(piece) for piece in found] == [True, True, False, False]


def test_other_kinds_have_no_events(gateway: Client, job: Job) -> None:
    assert gateway.get(f"/ml/v1/retrain/jobs/{job.id}/events/").status_code == 404
