"""The gateway and the real model server: what doctors taught stays, and leaves when it is erased or changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from common import broker
from jobs import runner, submission
from jobs.models import Job
from ml_proxy import tasks, taught
from ml_proxy.models import Feedback, InferenceLog
from ml_proxy.source import FEEDBACK, INFERENCES
from ml_server.app import create_app
from recording import erasure
from tests.support.feedback import post_feedback
from tests.support.gateway import assert_problem
from tests.support.inference_rows import insert_row
from tests.support.model import Conversation, ScriptedModel
from tests.support.training_stream import Stream, trains
from tests.support.waitress_server import served_on_loopback

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

MODEL, TOKEN = "breast-cancer-wisconsin", "t" * 32
JOBS, RETRAIN = "/ml/v1/retrain/jobs/", "/ml/v1/retrain/"


@pytest.fixture
def real(gateway: Client, settings: Settings, empty_redis: str, tmp_path: Path) -> Iterator[Client]:
    settings.REDIS_URL, settings.JOB_HEARTBEAT_SECONDS = empty_redis, 60  # no heartbeat in a test's own transaction
    settings.ML_SERVER_TOKEN = TOKEN
    with served_on_loopback(create_app(tmp_path / "models", read_token=lambda: TOKEN)) as url:
        settings.ML_SERVER_URL = url
        yield gateway


def example(gateway: Client) -> Any:
    return gateway.get("/ml/v1/model-info/").json()["models"][0]["example"]


NAMES = {"doctor_name": "Kim (synthetic)", "patient_name": "Lee (synthetic)"}


def judged(body: Any, gateway: Client, label: str = "benign") -> str:
    """An inference of `body`, which a doctor corrects."""
    answer = {"predictions": [{"label": "malignant"}, {"label": "benign"}]}
    columns = {"model_name": MODEL, "model_version": "1"}
    row = insert_row(input_data=json.dumps(NAMES | body), output_data=json.dumps(answer), **columns)
    assert post_feedback(gateway, row.id, verdict="correct", label=label).status_code == 201
    return str(row.id)


def finished(gateway: Client, **body: Any) -> Any:
    """Runs a retrain as a job; returns its result."""
    response = gateway.post(JOBS, json.dumps(body), content_type="application/json")
    assert response.status_code == 202, response.content
    return ended(gateway, Job.objects.get(pk=response.json()["id"]))


def ended(gateway: Client, job: Job) -> Any:
    assert runner.run(job.pk) == "succeeded"
    return gateway.get(f"{JOBS}{job.pk}/").json()["result"]


def top_label(gateway: Client, body: Any, **version: str) -> str:
    body = NAMES | body | version
    found = gateway.post("/ml/v1/predict/", json.dumps(body), content_type="application/json").json()
    return str(found["predictions"][0]["label"])


def remembered(gateway: Client) -> int:
    """How many examples the next plain retrain has."""
    return int(finished(gateway, params={"promote": "never"}).get("examples", {}).get("used", 0))


def test_case_23_the_correction_holds_after_plain_scheduled_and_synchronous_retrains(real: Client) -> None:
    body = example(real)
    judged(body, real)
    assert finished(real, verdicts=True)["promoted"]
    results = [finished(real), real.post(RETRAIN, b"{}", content_type="application/json").json()]
    tasks.start_retrain()
    scheduled = Job.objects.get(requested_by=submission.SCHEDULE)
    assert json.loads(scheduled.params) == {"verdicts": True}
    results.append(ended(real, scheduled))
    assert [top_label(real, body, version=result["model"]["version"]) for result in results] == ["benign"] * 3
    assert [result["feedback"]["counts"]["kept"] for result in results] == [1, 1, 1]
    assert top_label(real, body) == "benign"


def test_the_schedule_sends_no_verdicts_to_a_model_server_that_takes_none(
    gateway: Client, settings: Settings, empty_redis: str
) -> None:
    settings.REDIS_URL, settings.RETRAIN_FROM_VERDICTS = empty_redis, False
    tasks.start_retrain()
    assert json.loads(Job.objects.get().params) == {"verdicts": False}


def test_an_erased_inference_is_no_longer_taught(
    real: Client, django_capture_on_commit_callbacks: Any, tmp_path: Path
) -> None:
    inference = judged(example(real), real)
    result = finished(real, verdicts=True)
    assert result["feedback"]["learned"] == [{"inference_id": inference, "label": "benign", "predicted": "benign"}]
    assert remembered(real) == 1
    with django_capture_on_commit_callbacks(execute=True):
        assert list(erasure.erase(INFERENCES, InferenceLog.objects.filter(pk=inference), "asked for")) == [1]
    tasks.forget_erased()  # which the erasure has asked for
    assert remembered(real) == 0
    files = [path for path in (tmp_path / "models").rglob("*") if path.is_file()]
    assert not [path for path in files if inference.encode() in path.read_bytes()]
    assert not [job for job in Job.objects.order_by("pk") if inference in (job.result or "")]
    assert taught.forget_erased() == 0


def test_an_erasure_asks_for_it_at_once(
    settings: Settings, empty_redis: str, django_capture_on_commit_callbacks: Any
) -> None:
    settings.REDIS_URL = empty_redis
    with django_capture_on_commit_callbacks(execute=True):
        FEEDBACK.on_erase([])
    [message] = redis.Redis.from_url(empty_redis).lrange(broker.UPKEEP_QUEUE, 0, -1)
    assert json.loads(message)["headers"]["task"] == tasks.forget_erased.name


def test_a_verdict_that_was_withdrawn_is_no_longer_taught(real: Client) -> None:
    inference = judged(example(real), real)
    finished(real, verdicts=True)
    assert taught.forget_erased() == 0
    post_feedback(real, inference, verdict="agree")  # type: ignore[arg-type]
    assert Feedback.objects.order_by("-position")[0].label == "malignant"
    assert taught.forget_erased() == 1
    assert remembered(real) == 0


def test_a_model_server_that_keeps_nothing_is_left_alone(gateway: Client, model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(b"{}", status="404 Not Found")
    assert taught.forget_erased() == 0
    model.script = lambda conversation: conversation.sock.close()
    assert taught.forget_erased() == 0


def test_a_retrain_that_promotes_in_any_case_needs_the_permission_to_promote(
    gateway: Client, settings: Settings, model: ScriptedModel
) -> None:
    settings.API_AUTH = "required"
    user = User.objects.create_user("trainer")
    user.user_permissions.add(*Permission.objects.filter(codename__in=["add_job", "view_job"]))
    gateway.force_login(user)
    gateway.cookies["csrftoken"] = "a" * 32
    once, twice = b'{"params": {"promote": "always"}}', b'{"params": {"promote": "always"}, "params": {}}'
    for path, body in [(RETRAIN, once), (RETRAIN, twice), (JOBS, once)]:
        found = gateway.post(path, body, content_type="application/json", HTTP_X_CSRFTOKEN="a" * 32)
        assert_problem(found, 403, "not-allowed")
    assert (model.requests, Job.objects.count()) == ([], 0)


def test_the_model_server_is_told_who_asked(
    gateway: Client, settings: Settings, empty_redis: str, model: ScriptedModel
) -> None:
    settings.REDIS_URL, settings.JOB_HEARTBEAT_SECONDS = empty_redis, 60

    def script(conversation: Conversation) -> None:
        trains(Stream.end)(conversation)

    model.script = script
    gateway.post(RETRAIN, b"{}", content_type="application/json", headers={"X-Requested-By": "somebody else"})
    assert "x-requested-by" not in model.requests[-1].fields
    tasks.start_retrain()
    job = Job.objects.get(requested_by=submission.SCHEDULE)
    Job.objects.filter(pk=job.pk).update(requested_by="김 (synthetic)", params='{"model": "m"}')
    runner.run(job.pk)
    assert model.requests[-1].fields["x-requested-by"] == "%EA%B9%80%20%28synthetic%29"
