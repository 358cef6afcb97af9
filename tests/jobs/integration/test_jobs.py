"""Retrains as jobs: accepted, listed, cancelled, run to their end, and one at a time."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from pytest_django import Settings

from common.exceptions import NoSuchRecord
from common.ids import uuid7
from jobs import runner
from jobs.models import Job
from tests.support.model import Conversation, ScriptedModel

pytestmark = pytest.mark.django_db

JOBS, RETRAIN = "/ml/v1/retrain/jobs/", "/ml/v1/retrain/"
ORIGIN = "http://testserver"
MEMBERS = {
    "id", "kind", "state", "progress", "params", "result", "error", "requested_by", "created_at", "started_at",
    "finished_at",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _queue(empty_redis: str, settings: Settings) -> None:
    settings.REDIS_URL, settings.JOB_HEARTBEAT_SECONDS = empty_redis, 60  # no heartbeat within a test's own transaction


def start(gateway: Client, body: bytes = b"", **fields: Any) -> Any:
    return gateway.post(JOBS, body, content_type="application/json", **fields)


def one(gateway: Client, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = gateway.get(f"{JOBS}{job_id}/").json()
    return found


def problem(response: Any, status: int, kind: str) -> dict[str, Any]:
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json"), response.content
    found: dict[str, Any] = response.json()
    assert found["type"] == f"urn:ml-proxy:problem:{kind}"
    return found


def messages(url: str) -> list[dict[str, Any]]:
    with redis.Redis.from_url(url) as queue:
        return [json.loads(message) for message in queue.lrange("jobs", 0, -1)]


def test_it_accepts_a_job_and_returns_its_url(gateway: Client, empty_redis: str) -> None:
    response = start(gateway, b'{"model": "cells", "params": {"trees": 5}}')
    job = response.json()
    assert response.status_code == 202
    assert response["Location"] == f"{ORIGIN}{JOBS}{job['id']}/"
    assert int(response["Retry-After"]) > 0
    assert response["Cache-Control"] == "no-store"
    assert set(job) == MEMBERS
    assert (job["kind"], job["state"], job["progress"]) == ("retrain", "queued", {"percent": 0, "message": ""})
    assert job["params"] == {"model": "cells", "params": {"trees": 5}}
    assert [job[name] for name in ("result", "error", "started_at", "finished_at")] == [None] * 4
    assert UUID(job["id"]).version == 7
    assert datetime.fromisoformat(job["created_at"]).utcoffset() is not None
    followed = gateway.get(response["Location"].removeprefix(ORIGIN))
    assert (followed.status_code, followed.json()) == (200, job)
    assert int(followed["Retry-After"]) > 0
    [message] = messages(empty_redis)
    assert message["headers"]["id"] == job["id"]


@pytest.mark.parametrize(("body", "params"), [(b"", {}), (b"{}", {}), (b' {"a" : null} ', {"a": None})])
def test_it_accepts_an_empty_body(gateway: Client, body: bytes, params: dict[str, Any]) -> None:
    assert start(gateway, body).json()["params"] == params


def test_it_needs_no_media_type_without_a_body(gateway: Client) -> None:
    assert gateway.generic("POST", JOBS, b"", content_type="").status_code == 202


@pytest.mark.parametrize("text", [r'{"n":[1e999,-0,123456789012345678901234567890],"s":"\ud800\u0000"}'])
def test_it_keeps_the_text_of_params_and_result(gateway: Client, model: ScriptedModel, text: str) -> None:
    model.script = lambda conversation: conversation.answer(text.encode())
    job_id = start(gateway, text.encode()).json()["id"]
    runner.run(UUID(job_id))
    assert model.requests[-1].body == text.encode()
    shown = gateway.get(f"{JOBS}{job_id}/").content.decode()
    assert f'"params":{text},"result":{text},' in shown


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b'{"a": NaN}', b'{"a": "\xff"}', b'{"a":' * 513 + b"1" + b"}" * 513],
    ids=["cut", "array", "null", "NaN", "not UTF-8", "deep"],
)
@pytest.mark.parametrize("path", [JOBS, RETRAIN])
def test_it_refuses_a_bad_body_and_creates_no_job(
    gateway: Client, model: ScriptedModel, path: str, body: bytes
) -> None:
    assert problem(gateway.post(path, body, content_type="application/json"), 400, "bad-input")["errors"]
    assert not Job.objects.exists()
    assert not model.requests


@pytest.mark.parametrize("path", [JOBS, RETRAIN])
def test_it_refuses_a_body_that_is_not_json_by_its_media_type(gateway: Client, path: str) -> None:
    problem(gateway.post(path, b"{}", content_type="text/plain"), 415, "not-json-media")
    assert not Job.objects.exists()


def test_it_lists_jobs_newest_first(gateway: Client) -> None:
    ids = []
    for _ in range(3):
        ids.append(start(gateway).json()["id"])
        gateway.post(f"{JOBS}{ids[-1]}/cancel/")
    response = gateway.get(JOBS)
    assert [job["id"] for job in response.json()] == ids[::-1]
    assert all(set(job) == MEMBERS for job in response.json())
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["019a0000-0000-7000-8000-000000000000", "1", "x"])
def test_an_unknown_job_is_a_404(gateway: Client, name: str) -> None:
    assert gateway.get(f"{JOBS}{name}/").status_code == 404
    assert gateway.post(f"{JOBS}{name}/cancel/").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"), [("put", JOBS), ("delete", JOBS), ("get", f"{JOBS}{UUID(int=1)}/cancel/"), ("get", RETRAIN)]
)
def test_it_refuses_other_methods(gateway: Client, method: str, path: str) -> None:
    response = getattr(gateway, method)(path)
    problem(response, 405, "wrong-method")
    assert response["Allow"]


def start_by_preference(gateway: Client) -> Any:
    return gateway.post(RETRAIN, b"{}", content_type="application/json", headers={"Prefer": "respond-async"})


def pass_through(gateway: Client) -> Any:
    return gateway.post(RETRAIN, b"{}", content_type="application/json")


def test_it_creates_a_job_for_prefer_respond_async(gateway: Client, empty_redis: str) -> None:
    response = start_by_preference(gateway)
    assert (response.status_code, response["Preference-Applied"]) == (202, "respond-async")
    assert response["Location"] == f"{ORIGIN}{JOBS}{response.json()['id']}/"
    assert len(messages(empty_redis)) == 1


@pytest.mark.parametrize("another", [start, start_by_preference, pass_through])
def test_it_runs_one_at_a_time_and_names_the_active_job(
    gateway: Client, model: ScriptedModel, another: Callable[[Client], Any], empty_redis: str
) -> None:
    location = start(gateway)["Location"]
    response = another(gateway)
    problem(response, 409, "job-conflict")
    assert response["Location"] == location
    assert Job.objects.count() == 1
    assert len(messages(empty_redis)) == 1
    assert not model.requests


@pytest.mark.django_db(transaction=True)
def test_it_accepts_one_of_many_concurrent_requests(gateway: Client) -> None:
    def post(_: int) -> Any:
        try:
            return start(Client())
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(post, range(24)))
    [location] = [response["Location"] for response in responses if response.status_code == 202]
    others = [response for response in responses if response.status_code != 202]
    assert {(response.status_code, response["Location"]) for response in others} == {(409, location)}
    assert Job.objects.count() == 1


def test_it_cancels_a_queued_job(gateway: Client, model: ScriptedModel) -> None:
    job_id = start(gateway).json()["id"]
    response = gateway.post(f"{JOBS}{job_id}/cancel/")
    assert (response.status_code, response.json()["state"]) == (200, "cancelled")
    assert response.json()["finished_at"]
    assert "Retry-After" not in response
    assert runner.run(UUID(job_id)) == "cancelled"
    assert not model.requests
    problem(gateway.post(f"{JOBS}{job_id}/cancel/"), 409, "job-conflict")
    assert start(gateway).status_code == 202


def test_it_asks_a_running_job_to_stop(gateway: Client) -> None:
    job_id = start(gateway).json()["id"]
    Job.objects.update(state=Job.State.RUNNING)
    response = gateway.post(f"{JOBS}{job_id}/cancel/")
    assert (response.status_code, response.json()["state"]) == (200, "running")
    assert response.json()["progress"]["message"] == "cancelling"
    assert Job.objects.get().cancel_requested


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_it_does_not_cancel_an_ended_job(gateway: Client, state: str) -> None:
    job = Job.objects.create(kind="retrain", state=state)
    found = problem(gateway.post(f"{JOBS}{job.id}/cancel/"), 409, "job-conflict")
    assert state in found["detail"]
    assert Job.objects.values("state", "cancel_requested").get() == {"state": state, "cancel_requested": False}


def test_it_runs_a_job_to_its_end(gateway: Client, model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(b'{"version": "8", "accuracy": 0.98}')
    job_id = start(gateway, b'{"params": {"trees": 5}}', headers={"X-Request-ID": "trace-1"}).json()["id"]
    assert runner.run(UUID(job_id)) == "succeeded"
    [asked] = model.requests
    assert asked.line == "POST /api/v1/retrain HTTP/1.1"
    assert asked.body == b'{"params": {"trees": 5}}'
    assert asked.fields["content-type"] == "application/json"
    assert (asked.fields["idempotency-key"], asked.fields["x-request-id"]) == (job_id, "trace-1")
    job = one(gateway, job_id)
    assert (job["state"], job["result"], job["error"]) == ("succeeded", {"version": "8", "accuracy": 0.98}, None)
    assert job["progress"] == {"percent": 100, "message": "succeeded"}
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert start(gateway).status_code == 202


def resets(conversation: Conversation) -> None:
    conversation.sock.close()


def truncates(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    conversation.sock.close()


def says(status: str, body: bytes) -> Callable[[Conversation], None]:
    return lambda conversation: conversation.answer(body, status=status)


BROKEN: list[Any] = [
    pytest.param(says("422 No", b'{"detail": "epochs"}'), 'answered 422: {"detail": "epochs"}', id="422"),
    pytest.param(says("500 Oops", b"\x00\xff no\n memory " + b"x" * 9999), "answered 500:", id="500"),
    pytest.param(resets, "can't be reached", id="resets"),
    pytest.param(truncates, "was truncated", id="truncates"),
    pytest.param(says("302 Found", b""), "sent a redirect (302)", id="redirects"),
]


@pytest.mark.parametrize(("script", "said"), BROKEN)
def test_it_fails_a_job_with_the_model_server_s_error(
    gateway: Client, model: ScriptedModel, script: Callable[[Conversation], None], said: str
) -> None:
    model.script = script
    job_id = start(gateway).json()["id"]
    assert runner.run(UUID(job_id)) == "failed"
    job = one(gateway, job_id)
    assert (job["state"], job["result"]) == ("failed", None)
    assert said in job["error"]
    assert len(job["error"]) <= 500
    assert job["error"].isprintable()
    assert job["finished_at"]
    assert start(gateway).status_code == 202


def test_it_accepts_a_result_that_is_not_json(gateway: Client, model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(b"done", head=b"Content-Type: text/plain\r\n")
    job_id = start(gateway).json()["id"]
    assert runner.run(UUID(job_id)) == "succeeded"
    assert one(gateway, job_id)["result"] is None


@pytest.mark.parametrize("state", ["running", "succeeded", "failed", "cancelled"])
def test_it_runs_nothing_for_a_redelivered_message(gateway: Client, model: ScriptedModel, state: str) -> None:
    job_id = start(gateway).json()["id"]
    Job.objects.update(state=state)
    before = Job.objects.values().get()
    assert runner.run(UUID(job_id)) == state
    assert Job.objects.values().get() == before
    assert not model.requests


def test_it_runs_no_unknown_job(gateway: Client) -> None:
    with pytest.raises(NoSuchRecord):
        runner.run(uuid7())


@pytest.mark.django_db(transaction=True)
def test_a_passed_through_retrain_holds_the_concurrency_key(gateway: Client, model: ScriptedModel) -> None:
    seen: list[Any] = []

    def script(conversation: Conversation) -> None:
        seen.extend(Client().get(JOBS).json())
        seen.append(start(Client()).status_code)
        connection.close()
        conversation.answer(b' {"version":"9"} ')

    model.script = script
    response = gateway.post(f"{RETRAIN}?a=1", b'{"params":{"n":1e999}}', content_type="application/json")
    assert (response.status_code, response.content) == (200, b' {"version":"9"} ')
    during, conflict = seen
    assert (during["state"], conflict) == ("running", 409)
    assert during["started_at"]
    assert model.requests[0].line == "POST /api/v1/retrain?a=1 HTTP/1.1"
    assert model.requests[0].body == b'{"params":{"n":1e999}}'
    after = one(gateway, during["id"])
    assert (after["state"], after["result"]) == ("succeeded", {"version": "9"})
    assert start(gateway).status_code == 202


@pytest.mark.parametrize(("script", "said"), BROKEN)
def test_it_frees_the_key_however_a_passed_through_retrain_ends(
    gateway: Client, model: ScriptedModel, script: Callable[[Conversation], None], said: str
) -> None:
    model.script = script
    gateway.post(RETRAIN, b"{}", content_type="application/json")
    job = Job.objects.get()
    assert job.state == "failed"
    assert said in (job.error or "")
    assert start(gateway).status_code == 202


@pytest.fixture
def _no_table_in_the_end(model: ScriptedModel) -> Iterator[None]:
    """Renames the job table away while the model trains."""
    there, gone = "jobs_job", "ml_proxy_job_gone"

    def rename(before: str, after: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {before} RENAME TO {after}")

    def script(conversation: Conversation) -> None:
        rename(there, gone)
        connection.close()
        conversation.answer(b'{"version": "8"}')

    model.script = script
    yield
    rename(gone, there)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_no_table_in_the_end")
def test_it_passes_the_answer_on_even_if_the_job_can_not_be_ended(gateway: Client) -> None:
    response = gateway.post(RETRAIN, b"{}", content_type="application/json")
    assert (response.status_code, response.content) == (200, b'{"version": "8"}')


@pytest.mark.parametrize(
    ("permission", "method", "path"),
    [
        ("add_job", "post", JOBS),
        ("view_job", "get", JOBS),
        ("view_job", "get", f"{JOBS}{UUID(int=1)}/"),
        ("change_job", "post", f"{JOBS}{UUID(int=1)}/cancel/"),
        ("add_job", "post", RETRAIN),
    ],
)
def test_it_requires_the_permission(
    gateway: Client, settings: Settings, permission: str, method: str, path: str
) -> None:
    settings.API_AUTH = "required"
    Job.objects.create(id=UUID(int=1), kind="retrain", state=Job.State.FAILED)

    def ask() -> int:
        response = getattr(gateway, method)(path, content_type="application/json")
        return int(response.status_code)

    assert ask() == 401
    user = User.objects.create_user("cron")
    gateway.force_login(user)
    assert ask() == 403
    user.user_permissions.add(Permission.objects.get(codename=permission))
    assert ask() in {200, 202, 409}


def test_it_stores_who_requested_the_job(gateway: Client, settings: Settings) -> None:
    settings.API_AUTH = "required"
    gateway.force_login(User.objects.create_superuser("cron"))
    assert start(gateway).json()["requested_by"] == "cron"
