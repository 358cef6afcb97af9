"""What needs a write answers 503 while the database is read-only; readiness tells what is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts import tokens
from accounts.models import ApiToken
from jobs.models import Job
from ml_proxy.models import InferenceLog
from tests.support.databases import read_only, table_missing
from tests.support.feedback import feedback_path, model_answer, post_feedback
from tests.support.gateway import Journaled, assert_problem, predict
from tests.support.inference_rows import insert_row
from tests.support.model import ScriptedModel
from text_to_sql.models import Database

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = "/ml/v1/retrain/jobs/"
TOKENS = "/accounts/session/tokens/"
ID = UUID(int=7)
PASSWORD = "a long enough password"


@pytest.fixture(autouse=True)
def _queue(empty_redis: str, settings: Settings) -> None:
    settings.REDIS_URL, settings.IMAGE_HOSTS = empty_redis, ["http://127.0.0.1:1"]


@pytest.fixture
def _objects() -> None:
    """One object for each of the writes that change one."""
    insert_row(output_data=model_answer("benign"))
    Job.objects.create(id=ID, kind="retrain", state=Job.State.RUNNING)
    Database.objects.create(id=7, kor_name="의원", engine="sqlite", port=0, db="clinic")
    tokens.create(User.objects.create_superuser("kim", password=PASSWORD), name="a notebook")


def post(gateway: Client, path: str, body: Any = b"", **fields: Any) -> Any:
    return gateway.post(path, body, content_type="application/json", **fields)


WRITES: dict[str, Callable[[Client], Any]] = {
    "feedback": lambda gateway: post_feedback(gateway, InferenceLog.objects.get().id, verdict="agree"),
    "a job": lambda gateway: post(gateway, JOBS),
    "a short retrain": lambda gateway: post(gateway, "/ml/v1/retrain/"),
    "a prediction with a key": lambda gateway: predict(gateway, HTTP_IDEMPOTENCY_KEY="k"),
    "a verdict on the page": lambda gateway: gateway.post(
        f"/reception/{InferenceLog.objects.get().id}/", {"verdict": "agree"}
    ),
    "a cancel": lambda gateway: post(gateway, f"{JOBS}{ID}/cancel/"),
    "a statement as a job": lambda gateway: post(
        gateway, "/llm/execute-sql/db/7/s", {"query": "SELECT 1"}, HTTP_PREFER="respond-async"
    ),
    "a drawing": lambda gateway: post(gateway, "/ai/generated/v1/", {"image_url": "http://127.0.0.1:1/1.jpg"}),
    "a new token": lambda gateway: post(gateway, TOKENS, {"name": "a notebook", "expires": "7d"}),
    "the end of a token": lambda gateway: gateway.delete(f"{TOKENS}{ApiToken.objects.get().pk}/"),
    "signing in": lambda gateway: gateway.post("/admin/login/", {"username": "kim", "password": PASSWORD}),
    "a new user": lambda gateway: gateway.post(
        "/admin/auth/user/add/", {"username": "lee", "password1": PASSWORD, "password2": PASSWORD}
    ),
}


@pytest.mark.usefixtures("_objects")
@pytest.mark.parametrize("write", WRITES)
def test_it_answers_503_to_what_needs_a_write(gateway: Client, model: ScriptedModel, write: str) -> None:
    gateway.force_login(User.objects.get())
    with read_only():
        response = WRITES[write](gateway)
    assert_problem(response, 503, "database-unavailable")
    assert int(response["Retry-After"]) > 0
    assert "read-only" in response.json()["detail"]
    assert [each for each in model.requests if not each.line.startswith("GET")] == []


def test_predictions_and_reads_go_on(gateway: Client, journaled: Journaled) -> None:
    row = insert_row(output_data=model_answer("benign"))
    with read_only():
        assert predict(gateway).status_code == 200
        for path in ("/ml/v1/history/", f"/ml/v1/history/{row.id}/", "/ml/v1/history/export/", feedback_path(row.id)):
            assert gateway.get(path).status_code == 200, path
    assert len(journaled()) == 1


def database_part(gateway: Client) -> dict[str, Any]:
    response = gateway.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    part: dict[str, Any] = response.json()["parts"]["database"]
    return part


def test_readiness_says_that_the_database_is_read_only(gateway: Client) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite can't be asked without a write")
    with read_only():
        part = database_part(gateway)
    assert (part["ok"], part["detail"]) == (False, "The database is read-only.")


@pytest.mark.parametrize("missing", ["nothing is migrated", "a migration is new"])
def test_readiness_says_that_migrations_are_missing(gateway: Client, missing: str) -> None:
    if missing == "nothing is migrated":
        with table_missing("django_migrations"):
            part = database_part(gateway)
    else:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE django_migrations SET app = 'other' WHERE app = 'ml_proxy'")
            part = database_part(gateway)
            cursor.execute("UPDATE django_migrations SET app = 'ml_proxy' WHERE app = 'other'")
    assert not part["ok"]
    assert "run `manage.py migrate`" in part["detail"]


def test_a_missing_table_is_a_503(gateway: Client, tmp_path: Path) -> None:
    with table_missing(InferenceLog._meta.db_table):
        response = gateway.get("/ml/v1/history/")
    assert_problem(response, 503, "database-unavailable")
    assert "run `manage.py migrate`" in response.json()["detail"]
