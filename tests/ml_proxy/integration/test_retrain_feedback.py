"""A job that sends judged inferences: which ones, in what format, how many, and under which key."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings

from jobs import runner
from jobs.models import Job
from ml_proxy.models import Feedback
from tests.support.feedback import model_answer, post_feedback
from tests.support.inference_rows import insert_row
from tests.support.model import Conversation, ScriptedModel
from tests.support.training_stream import RESULT, Stream, trains

pytestmark = pytest.mark.django_db

JOBS, FEW_BYTES = "/ml/v1/retrain/jobs/", 2200


@pytest.fixture(autouse=True)
def _trains(empty_redis: str, settings: Settings, model: ScriptedModel) -> None:
    settings.REDIS_URL, settings.JOB_HEARTBEAT_SECONDS = empty_redis, 60  # no heartbeat within a test's own transaction
    model.script = _answers


def _answers(conversation: Conversation) -> None:
    if conversation.line.startswith("GET"):
        conversation.answer(b'{"name": "stub", "version": "7", "models": []}')
    else:
        trains(Stream.end)(conversation)


def judged(gateway: Client, given: str = '{"x": 1}', label: str = "malignant", **columns: Any) -> str:
    """Creates an inference that a doctor corrected and returns its id."""
    body = f'{{"doctor_name": "Kim", "patient_name": "Lee", {given[1:]}'
    inference_id = insert_row(input_data=body, output_data=model_answer("benign"), **columns).id
    assert post_feedback(gateway, inference_id, verdict="correct", label=label).status_code == 201
    return str(inference_id)


def start(gateway: Client, **body: Any) -> UUID:
    return UUID(gateway.post(JOBS, json.dumps(body), content_type="application/json").json()["id"])


def run(gateway: Client, **body: Any) -> Any:
    """Runs a job and returns it."""
    job_id = start(gateway, **body)
    assert runner.run(job_id) == "succeeded"
    return gateway.get(f"{JOBS}{job_id}/").json()


def asked(model: ScriptedModel) -> Any:
    """Returns the body of the last retrain."""
    return json.loads(model.requests[-1].body)


def taught(model: ScriptedModel) -> list[str]:
    return [example["inference_id"] for example in asked(model).get("examples", [])]


def test_it_sends_the_verdicts_that_exist_when_it_runs(gateway: Client, model: ScriptedModel) -> None:
    first = judged(gateway)
    job_id = start(gateway, params={"C": 2}, verdicts=True)
    second = judged(gateway, '{"x": 2}', "atypical")
    post_feedback(gateway, UUID(first), verdict="correct", label="other")
    judged(gateway, model_name="another")
    insert_row(output_data=model_answer("benign"))
    runner.run(job_id)
    newest = Feedback.objects.order_by("-position").values_list("position", flat=True)
    assert asked(model) == {
        "examples": [
            {"inference_id": second, "input": {"x": 2}, "label": "atypical", "verdict_id": newest[2]},
            {"inference_id": first, "input": {"x": 1}, "label": "other", "verdict_id": newest[1]},
        ],
        "params": {"C": 2},
    }
    job = gateway.get(f"{JOBS}{job_id}/").json()
    assert job["params"] == {"params": {"C": 2}, "verdicts": True}
    assert job["result"] == {"verdicts": {"handed_over": 2, "left_out": 0}, **RESULT}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"model": "b", "verdicts": True}, ["b"]),
        ({"model": "b", "verdicts": {"model": "a"}}, ["a"]),
        ({"model": "a", "verdicts": {"since": "2026-03-02"}}, []),
        ({"model": "a", "verdicts": {"until": "2026-03-02"}}, ["a"]),
    ],
)
def test_it_sends_the_verdicts_that_match_the_conditions(
    gateway: Client, model: ScriptedModel, body: dict[str, Any], found: list[str]
) -> None:
    ids = {name: judged(gateway, model_name=name) for name in ("a", "b")}
    model.requests.clear()  # of the feedback, which asks for the model's labels
    job = run(gateway, **body)
    assert taught(model) == [ids[name] for name in found]
    assert [request.line.split()[0] for request in model.requests] == ["POST"]
    assert (asked(model)["model"], "verdicts" in asked(model)) == (body["model"], False)
    assert job["result"]["verdicts"] == {"handed_over": len(found), "left_out": 0}


@pytest.mark.parametrize(("said", "found"), [(b"not JSON", 2), (b'{"name": 7}', 2), (b'{"name": "a"}', 1)])
def test_it_sends_all_if_the_model_server_names_no_default(
    gateway: Client, model: ScriptedModel, said: bytes, found: int
) -> None:
    model.script = lambda conversation: (
        conversation.answer(said) if conversation.line.startswith("GET") else _answers(conversation)
    )
    for name in ("a", "b"):
        judged(gateway, model_name=name)
    run(gateway, verdicts=True)
    assert len(taught(model)) == found


def test_it_sends_the_newest_that_fit_and_counts_the_others(
    gateway: Client, model: ScriptedModel, settings: Settings
) -> None:
    settings.RETRAIN_BODY_BYTES = FEW_BYTES
    agreed = insert_row(output_data="{}")
    post_feedback(gateway, agreed.id, verdict="agree")  # with an answer that has no label
    ids = [judged(gateway, f'{{"x": "{"x" * 300}"}}') for _ in range(8)]
    judged(gateway, f'{{"x": "{"x" * FEW_BYTES}"}}')
    job = run(gateway, model="stub", verdicts=True)
    assert taught(model) == ids[-5:]
    assert FEW_BYTES - 400 < len(model.requests[-1].body) <= FEW_BYTES
    assert job["result"]["verdicts"] == {"handed_over": 5, "left_out": 5}


@pytest.mark.parametrize("verdicts", [None, False])
def test_it_sends_none_if_none_are_requested(gateway: Client, model: ScriptedModel, verdicts: bool | None) -> None:
    judged(gateway)
    job = run(gateway, model="stub", **({} if verdicts is None else {"verdicts": verdicts}))
    assert asked(model) == {"model": "stub"}
    assert job["result"] == RESULT
    assert model.requests[-1].fields["idempotency-key"] == job["id"]


def test_it_uses_the_same_key_until_there_is_a_new_verdict(gateway: Client, model: ScriptedModel) -> None:
    inference = UUID(judged(gateway))
    job_id = start(gateway, model="stub", verdicts=True)
    keys = []
    for label in ("malignant", "atypical"):
        post_feedback(gateway, inference, verdict="correct", label=label)
        for _ in range(2):
            runner.run(job_id)
            keys.append(model.requests[-1].fields["idempotency-key"])
            Job.objects.update(state="queued")
    assert keys[0] == keys[1] != keys[2] == keys[3]
    assert {key.startswith(f"{job_id}-") for key in keys} == {True}
    assert [example["label"] for example in asked(model)["examples"]] == ["atypical"]


def test_it_keeps_a_result_that_is_not_an_object(gateway: Client, model: ScriptedModel) -> None:
    model.script = lambda conversation: conversation.answer(b"[7]")
    assert run(gateway, model="stub", verdicts=True)["result"] == [7]
