"""Long statements as jobs: started by Prefer, run in a worker under the caller's rules, and private."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connections
from django.test import Client
from pytest_django import Settings

from integrations.mlflow.models import MlflowOutbox
from jobs import runner
from jobs.models import Job
from tests.support.llm_server import LLMServer
from tests.support.registered import Api
from tests.support.wait import until
from tests.text_to_sql.conftest import Target
from text_to_sql.models import QueryExecutionLog, RowRule, Table

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_worker")]

JOBS = "/llm/execute-sql/jobs/"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT COUNT(*) FROM n"


@pytest.fixture(autouse=True)
def _beats(empty_redis: str, settings: Settings) -> None:
    settings.REDIS_URL = empty_redis
    settings.JOB_HEARTBEAT_SECONDS, settings.JOB_LEASE_SECONDS = 0.05, 30


@pytest.fixture
def database(api: Api, sqlite_target: Target) -> int:
    return api.register(sqlite_target.owner)


def post(client: Client, database: int, query: str, *, options: str = "", **fields: str) -> Any:
    return client.post(
        f"/llm/execute-sql/db/{database}/s{options}",
        json.dumps({"query": query}),
        content_type="application/json",
        headers={"Prefer": "respond-async", **fields},
    )


def start(client: Client, database: int, query: str) -> UUID:
    answer = post(client, database, query)
    assert answer.status_code == 202, answer.content
    assert answer["Preference-Applied"] == "respond-async"
    assert answer["Location"].endswith(f"{JOBS}{answer.json()['id']}/")
    return UUID(answer.json()["id"])


def test_it_keeps_the_rows_and_the_record_is_a_row_at_once(api: Api, database: int) -> None:
    job_id = start(api.client, database, "SELECT id, clinic FROM visits ORDER BY id")
    assert runner.run(job_id) == "succeeded"
    _, job = api.call("get", f"{JOBS}{job_id}/")
    assert job["result"]["data"] == [{"id": 1, "clinic": "north"}, {"id": 2, "clinic": "south"}]
    assert job["result"]["truncated"] is False
    assert job["result"]["summary"] is None
    row = QueryExecutionLog.objects.get()
    assert (row.outcome, row.row_count, row.request_id) == ("succeeded", 2, Job.objects.get().request_id)


def test_it_summarizes_the_rows_if_asked(api: Api, database: int, llm: LLMServer) -> None:
    llm.say('{"summary": "The fees are 30.5."}')
    job_id = UUID(
        post(api.client, database, "SELECT SUM(fee) AS fees FROM visits", options="?summarize=1").json()["id"]
    )
    assert runner.run(job_id) == "succeeded"
    assert api.call("get", f"{JOBS}{job_id}/")[1]["result"]["summary"] == "The fees are 30.5."
    assert llm.agents() == ["result_summarizer"]


def test_a_statement_that_is_refused_fails_the_job_and_is_recorded(api: Api, database: int) -> None:
    job_id = start(api.client, database, "DELETE FROM visits")
    assert runner.run(job_id) == "failed"
    assert QueryExecutionLog.objects.get().outcome == "refused"


def test_a_cancel_ends_it_in_the_database(api: Api, database: int) -> None:
    job_id = start(api.client, database, ENDLESS)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_run, job_id)
        until(lambda: Job.objects.get(pk=job_id).state == Job.State.RUNNING)
        assert api.call("post", f"{JOBS}{job_id}/cancel/")[0] == 200
        assert running.result(30) == "cancelled"
    assert QueryExecutionLog.objects.get().outcome == "cancelled"


def _run(job_id: UUID) -> str:
    try:
        return runner.run(job_id)
    finally:
        connections.close_all()


def test_its_deadline_is_longer_and_its_rows_are_capped(api: Api, database: int, settings: Settings) -> None:
    settings.QUERY_SECONDS, settings.QUERY_JOB_SECONDS, settings.QUERY_MAX_ROWS = 0.1, 0.6, 1
    job_id = start(api.client, database, ENDLESS)
    assert runner.run(job_id) == "failed"
    assert "0.6 s" in str(Job.objects.get(pk=job_id).error)
    second = start(api.client, database, "SELECT id FROM visits")
    runner.run(second)
    assert api.call("get", f"{JOBS}{second}/")[1]["result"]["truncated"] is True


@pytest.fixture
def ann(api: Api, database: int, settings: Settings) -> User:
    group = Group.objects.create(name="north")
    RowRule.objects.create(table=Table.objects.get(name="visits"), group=group, predicate="clinic = 'north'")
    settings.API_AUTH = "required"
    return user("ann", group)


def user(name: str, *groups: Group) -> User:
    made = User.objects.create_user(name)
    made.user_permissions.set(Permission.objects.filter(codename="add_queryexecutionlog"))
    made.groups.set(groups)
    return made


def signed_in(who: User) -> Client:
    client = Client()
    client.force_login(who)
    return client


def clinics(client: Client, job_id: UUID) -> list[str]:
    return [row["clinic"] for row in client.get(f"{JOBS}{job_id}/").json()["result"]["data"]]


def test_rules_for_rows_hold_in_the_worker(database: int, ann: User) -> None:
    client = signed_in(ann)
    first = start(client, database, "SELECT clinic FROM visits")
    runner.run(first)
    assert clinics(client, first) == ["north"]
    second = start(client, database, "SELECT clinic FROM visits")
    ann.groups.clear()  # between the request and the run
    runner.run(second)
    assert clinics(client, second) == []


def test_a_caller_who_may_not_run_statements_any_more_gets_no_rows(database: int, ann: User) -> None:
    job_id = start(signed_in(ann), database, "SELECT clinic FROM visits")
    ann.user_permissions.clear()
    assert runner.run(job_id) == "failed"
    assert Job.objects.get().result is None


def test_only_its_caller_sees_a_job(database: int, ann: User, settings: Settings) -> None:
    mine, others = signed_in(ann), signed_in(user("bob"))
    job_id = start(mine, database, "SELECT clinic FROM visits")
    runner.run(job_id)
    assert [job["id"] for job in mine.get(JOBS).json()] == [str(job_id)]
    assert others.get(JOBS).json() == []
    assert others.get(f"{JOBS}{job_id}/").status_code == 404
    assert others.post(f"{JOBS}{job_id}/cancel/").status_code == 404
    reader = user("cleo")
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_job", "view_payload"]))
    reader.is_staff = True
    reader.save()
    assert str(job_id) not in signed_in(reader).get("/admin/jobs/job/").content.decode()
    assert signed_in(User.objects.create_superuser("root")).get(f"{JOBS}{job_id}/").status_code == 200


def test_no_more_than_two_are_active(api: Api, database: int) -> None:
    first = start(api.client, database, "SELECT 1 FROM visits")
    start(api.client, database, "SELECT 1 FROM visits")
    answer = post(api.client, database, "SELECT 1 FROM visits")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:ml-proxy:problem:busy")
    runner.run(first)
    assert post(api.client, database, "SELECT 1 FROM visits").status_code == 202


def test_a_repeat_with_the_same_key_is_the_same_job(api: Api, database: int) -> None:
    answers = [post(api.client, database, "SELECT id FROM visits", **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert post(api.client, database, "SELECT 1 FROM visits", **{"Idempotency-Key": "k"}).status_code == 422


def test_a_job_has_no_file_and_the_list_starts_none(api: Api, database: int) -> None:
    assert post(api.client, database, "SELECT id FROM visits", Accept="text/csv").status_code == 400
    assert api.call("post", JOBS, {})[0] == 405


def test_mlflow_does_not_follow_it(api: Api, database: int, settings: Settings) -> None:
    settings.MLFLOW_TRACKING_URI = "http://127.0.0.1:1"
    runner.run(start(api.client, database, "SELECT id FROM visits"))
    assert not MlflowOutbox.objects.exists()


def test_it_shows_how_many_rows_it_read(api: Api, database: int, settings: Settings) -> None:
    settings.QUERY_MAX_ROWS = 100_000
    seen: list[str] = []
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90000) SELECT i FROM n"
    assert runner.run(start(api.client, database, query), lambda _, message: seen.append(message)) == "succeeded"
    assert any("rows read" in message for message in seen)
