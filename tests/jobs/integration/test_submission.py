"""Validation of job requests, idempotency keys, and the job list with its filter and pages."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import redis
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import Settings

from common.ids import uuid7
from jobs import keys, runner
from jobs.models import Job, WebhookDelivery
from tests.support.gateway import assert_problem
from tests.support.model import ScriptedModel
from tests.support.query_plans import query_costs

pytestmark = pytest.mark.django_db

JOBS, RETRAIN = "/ml/v1/retrain/jobs/", "/ml/v1/retrain/"
URL = "https://hooks.clinic.example/done"


@pytest.fixture(autouse=True)
def _queue(empty_redis: str, settings: Settings) -> None:
    settings.REDIS_URL, settings.JOB_HEARTBEAT_SECONDS = empty_redis, 60  # no heartbeat within a test's own transaction
    settings.CALLBACK_HOSTS = ["hooks.clinic.example"]


def post(gateway: Client, body: bytes = b"{}", **fields: Any) -> Any:
    return gateway.post(JOBS, body, content_type="application/json", **fields)


def prefer(gateway: Client, body: bytes = b"{}", **fields: Any) -> Any:
    headers = {"Prefer": "respond-async"} | fields.pop("headers", {})
    return gateway.post(RETRAIN, body, content_type="application/json", headers=headers, **fields)


def keyed(gateway: Client, key: str, body: bytes = b"{}", ask: Callable[..., Any] = post) -> Any:
    return ask(gateway, body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b'{"model": 1}', ["/model"]),
        (b'{"model": null, "params": []}', ["/model", "/params"]),
        (b'{"params": "x"}', ["/params"]),
        (b'{"params": {}, "params": {}}', ["/params"]),
        (b'{"callback_url": 7, "model": []}', ["/model", "/callback_url"]),
        (b'{"callback_url": "https://elsewhere.example/"}', ["/callback_url"]),
        (b'{"examples": [], "verdicts": null}', ["/verdicts", "/examples"]),
        *[
            (b'{"verdicts": %b}' % wrong, ["/verdicts"])
            for wrong in (
                b"1",
                b'"all"',
                b"[]",
                b'{"since": "soon"}',
                b'{"until": 1}',
                b'{"doctor": "Kim"}',
                b'{"model": 7}',
            )
        ],
        (b'{"callback_url": "nonsense\\u0000\\ud800"}', ["/callback_url"]),
    ],
)
@pytest.mark.parametrize("ask", [post, prefer])
def test_it_points_to_each_error(gateway: Client, ask: Callable[..., Any], body: bytes, faults: list[str]) -> None:
    found = assert_problem(ask(gateway, body), 400, "bad-input")
    assert [fault["pointer"] for fault in found["errors"]] == faults
    assert not Job.objects.exists()


def test_it_leaves_validation_of_a_passed_through_body_to_the_model(gateway: Client, model: ScriptedModel) -> None:
    body = b'{"model": 1, "callback_url": 2, "verdicts": 3, "examples": [{"input": "of a patient"}]}'
    assert gateway.post(RETRAIN, body, content_type="application/json").status_code == 200
    assert model.requests[0].body == body
    assert "of a patient" not in Job.objects.get().params


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (f'{{"callback_url": "{URL}"}}', "{}"),
        (f' {{"params": {{"n":[1e999,-0]}} , "callback_url" : "{URL}"}} ', '{"params": {"n":[1e999,-0]} }'),
        (
            f'{{"callback\\u005furl":"{URL}","params":{{"callback_url":"x, }}"}},"x":1}}',
            '{"params":{"callback_url":"x, }"},"x":1}',
        ),
    ],
)
def test_it_removes_the_callback_url_and_forwards_the_rest_unchanged(
    gateway: Client, model: ScriptedModel, body: str, kept: str
) -> None:
    job_id = UUID(post(gateway, body.encode()).json()["id"])
    assert Job.objects.get().params == kept
    assert WebhookDelivery.objects.values_list("job", "url", "due_at").get() == (job_id, URL, None)
    runner.run(job_id)
    assert model.requests[0].body.decode() == kept
    assert WebhookDelivery.objects.get().due_at


def test_it_creates_no_webhook_for_a_rejected_job(gateway: Client) -> None:
    body = json.dumps({"callback_url": URL}).encode()
    assert [post(gateway, body).status_code for _ in range(2)] == [202, 409]
    assert WebhookDelivery.objects.count() == 1


def test_it_schedules_the_webhook_of_a_cancelled_queued_job(gateway: Client) -> None:
    job_id = post(gateway, json.dumps({"callback_url": URL}).encode()).json()["id"]
    gateway.post(f"{JOBS}{job_id}/cancel/")
    assert WebhookDelivery.objects.get().due_at


@pytest.mark.parametrize("ask", [post, prefer])
def test_it_returns_the_same_job_for_the_same_key(gateway: Client, ask: Callable[..., Any], empty_redis: str) -> None:
    first = keyed(gateway, "a-key", b'{"model": "m"}', ask)
    again = keyed(gateway, "a-key", b'{"model": "m"}', ask)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    runner.run(UUID(first.json()["id"]))
    assert keyed(gateway, "a-key", b'{"model": "m"}', ask).json()["state"] == "succeeded"
    with redis.Redis.from_url(empty_redis) as queue:
        assert queue.llen("jobs") == 1
    assert Job.objects.count() == 1


@pytest.mark.parametrize("ask", [post, prefer])
def test_it_refuses_a_key_with_another_body_query_or_path(gateway: Client, ask: Callable[..., Any]) -> None:
    keyed(gateway, "a-key", b"{}", ask)
    other = prefer if ask is post else post
    for repeat in (
        keyed(gateway, "a-key", b"{ }", ask),
        keyed(gateway, "a-key", b"{}", partial(ask, QUERY_STRING="model=B")),
        keyed(gateway, "a-key", b"{}", other),
    ):
        assert_problem(repeat, 422, "key-reused")
    assert Job.objects.count() == 1


def test_it_names_the_active_job_for_another_key(gateway: Client) -> None:
    first = keyed(gateway, "a-key")
    response = keyed(gateway, "another")
    assert_problem(response, 409, "job-conflict")
    assert response["Location"] == first["Location"]


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256])
def test_it_refuses_an_invalid_key(gateway: Client, key: str) -> None:
    assert (
        assert_problem(post(gateway, HTTP_IDEMPOTENCY_KEY=key), 400, "bad-input")["errors"][0]["pointer"]
        == "Idempotency-Key"
    )
    assert not Job.objects.exists()


def test_it_scopes_keys_to_the_caller(gateway: Client, settings: Settings) -> None:
    settings.API_AUTH = "required"
    ids = []
    for name in ("cron", "ci"):
        gateway.force_login(User.objects.create_superuser(name))
        response = keyed(gateway, "a-key")
        ids.append(response.json()["id"])
        gateway.post(f"{JOBS}{ids[-1]}/cancel/")
    assert len(set(ids)) == 2


def test_a_key_expires_after_a_day(gateway: Client) -> None:
    def age(hours: int) -> None:
        Job.objects.update(created_at=datetime.now(UTC) - timedelta(hours=hours))

    first = keyed(gateway, "a-key").json()["id"]
    gateway.post(f"{JOBS}{first}/cancel/")
    age(23)
    assert keys.free_expired() == 0
    assert keyed(gateway, "a-key", b"{}").json()["id"] == first
    age(25)
    second = keyed(gateway, "a-key", b'{"other": 1}').json()["id"]
    assert second != first
    assert set(Job.objects.values_list("id", "idempotency_key")) == {(UUID(first), None), (UUID(second), "a-key")}
    age(25)
    assert keys.free_expired() == 1
    assert not Job.objects.exclude(idempotency_key=None).exists()


@pytest.mark.django_db(transaction=True)
def test_it_creates_one_job_for_concurrent_requests_with_one_key(gateway: Client, empty_redis: str) -> None:
    def ask(_: int) -> Any:
        try:
            return keyed(Client(), "a-key")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(ask, range(16)))
    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["id"] for response in responses}) == 1
    assert Job.objects.count() == 1


def create_ended(count: int, **columns: Any) -> list[str]:
    """Creates ended jobs and returns their ids, the newest last."""
    begin = datetime.now(UTC) - timedelta(days=1)
    ids = [uuid7(begin + timedelta(milliseconds=number)) for number in range(count)]
    Job.objects.bulk_create([Job(id=job_id, **{"kind": "retrain", "state": "succeeded", **columns}) for job_id in ids])
    return [str(job_id) for job_id in ids]


def pages(gateway: Client, url: str) -> list[list[str]]:
    found = []
    while url:
        response = gateway.get(url)
        assert response.status_code == 200, response.content
        found.append([job["id"] for job in response.json()])
        url = response["Link"].partition(">")[0].removeprefix("<http://testserver") if "Link" in response else ""
        assert 'rel="next"' in response.get("Link", 'rel="next"')
    return found


def test_it_pages_through_all_jobs_while_new_ones_arrive(gateway: Client) -> None:
    ids = create_ended(10)
    first = gateway.get(f"{JOBS}?limit=4")
    post(gateway)
    rest = pages(gateway, first["Link"].partition(">")[0].removeprefix("<http://testserver"))
    assert [[job["id"] for job in first.json()], *rest] == [ids[:5:-1], ids[5:1:-1], ids[1::-1]]


def test_it_lists_the_jobs_in_one_state(gateway: Client) -> None:
    create_ended(3)
    failed = create_ended(5, state="failed")
    assert pages(gateway, f"{JOBS}?state=failed&limit=2") == [failed[:2:-1], failed[2:0:-1], failed[:1]]
    assert pages(gateway, f"{JOBS}?state=running") == [[]]
    assert pages(gateway, f"{JOBS}?state=&limit=&cursor=")[0][0] == failed[-1]


def test_a_page_has_a_hundred_jobs_by_default(gateway: Client) -> None:
    create_ended(101)
    assert [len(page) for page in pages(gateway, JOBS)] == [100, 1]


def test_it_limits_the_bytes_of_a_page(gateway: Client) -> None:
    create_ended(3, result='"' + "x" * 5_000_000 + '"')
    assert [len(page) for page in pages(gateway, JOBS)] == [1, 1, 1]


@pytest.mark.parametrize(
    "query",
    [
        "state=done",
        "state=failed&state=queued",
        "limit=0",
        "limit=1001",
        "limit=x",
        "cursor=x",
        "cursor=%FF",
        "stat=failed",
    ],
)
def test_it_refuses_an_unknown_query(gateway: Client, query: str) -> None:
    found = assert_problem(gateway.get(f"{JOBS}?{query}"), 400, "bad-input")
    assert [fault["pointer"] for fault in found["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize("state", ["", "failed", "succeeded"])
def test_it_reads_no_more_than_a_page_at_any_depth(gateway: Client, state: str) -> None:
    ids = create_ended(5_000)
    Job.objects.filter(pk__in=ids[::50]).update(state="failed")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    first = f"{JOBS}?limit=20&state={state}"
    deep = first
    for _ in range(3):
        deep = gateway.get(deep)["Link"].partition(">")[0].removeprefix("<http://testserver")
    for url in (first, deep):
        for cost in query_costs(partial(gateway.get, url), "jobs_job"):
            assert "Sort" not in cost.plan
            assert "TEMP B-TREE" not in cost.plan
            assert cost.rows <= 60, cost
            assert "Index" in cost.plan or "INDEX" in cost.plan, cost
