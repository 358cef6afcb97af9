"""`mlflow/log-prediction/` and `mlflow/runs/{id}/`: logs one inference as its own run, now or later, only once."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from common.ids import uuid7
from integrations.mlflow import follower
from integrations.mlflow.models import MlflowCursor, MlflowOutbox
from ml_proxy.records import InferenceRecord
from tests.support.gateway import assert_problem, resets
from tests.support.inference_rows import insert_row
from tests.support.mlflow import MLflow, run_values
from tests.support.model import PREDICTION, Script, ScriptedModel

pytestmark = pytest.mark.django_db

INPUT = '{"doctor_name": "Dr. Kim", "patient_name": "Lee", "x": 1e999}'


@pytest.fixture
def mlflow(model: ScriptedModel, settings: Settings) -> MLflow:
    return MLflow(model, settings)


@pytest.fixture
def row() -> InferenceRecord:
    return insert_row(input_data=INPUT, output_data=PREDICTION.decode())


def post(gateway: Client, body: Any) -> Any:
    data = body if isinstance(body, str) else json.dumps(body)
    return gateway.post("/ml/v1/mlflow/log-prediction/", data, content_type="application/json")


def request_run(gateway: Client, row: InferenceRecord) -> Any:
    return post(gateway, {"inference_id": str(row.id)})


def get_run(gateway: Client, run_id: str) -> Any:
    return gateway.get(f"/ml/v1/mlflow/runs/{run_id}/")


def answers(status: str, body: bytes = b"{}") -> Script:
    return lambda conversation: conversation.answer(body, status=status)


def test_it_logs_an_inference_as_a_run_of_its_own(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    response = request_run(gateway, row)
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert response.json() == {"inference_id": str(row.id), "run_id": "run0", "state": "logged"}
    assert response["Location"] == "http://testserver/ml/v1/mlflow/runs/run0/"
    [run] = mlflow.runs
    assert run_values(run, "params") == {"model_name": "stub", "model_version": "7", "prediction": "benign"}
    assert run_values(run, "metrics") == {"latency_ms": 1.5, "confidence": 0.93, "confidence_benign": 0.93}
    assert run_values(run, "tags")["inference_id"] == str(row.id)
    assert {name: data.decode() for name, data in mlflow.files.items()} == {
        "7/run0/artifacts/input.json": '{ "x": 1e999}',
        "7/run0/artifacts/output.json": PREDICTION.decode(),
    }
    assert not MlflowOutbox.objects.exists()


def test_it_shows_the_run(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    response = get_run(gateway, request_run(gateway, row).json()["run_id"])
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    shown = response.json()
    assert (shown["run_id"], shown["run_name"], shown["status"]) == ("run0", f"inference {row.id}", "FINISHED")
    assert shown["metrics"]["latency_ms"] == 1.5
    assert shown["params"]["prediction"] == "benign"
    assert shown["tags"]["inference_id"] == str(row.id)
    assert shown["end_time"] == int(row.predicted_at.timestamp() * 1000)


@pytest.mark.parametrize("form", [str, lambda run_id: run_id.hex.upper(), lambda run_id: str(run_id).upper()])
def test_it_finds_the_inference_and_the_run_by_every_form_of_their_ids(
    gateway: Client, mlflow: MLflow, row: InferenceRecord, form: Callable[[UUID], str]
) -> None:
    logged = post(gateway, {"inference_id": form(row.id)}).json()
    assert logged["inference_id"] == str(row.id)
    run_id = mlflow.runs[0]["info"]["run_id"] = uuid4().hex  # as a real MLflow makes them
    assert get_run(gateway, form(UUID(run_id))).json()["run_id"] == run_id


def test_a_repeat_returns_the_same_run(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    assert request_run(gateway, row).json() == request_run(gateway, row).json()
    assert (len(mlflow.runs), len(mlflow.files)) == (1, 2)


@pytest.mark.parametrize("number", range(13))
def test_a_lost_answer_makes_no_second_run(gateway: Client, mlflow: MLflow, row: InferenceRecord, number: int) -> None:
    mlflow.loses_answer(number)
    assert request_run(gateway, row).json() == {"inference_id": str(row.id), "run_id": None, "state": "queued"}
    assert request_run(gateway, row).json()["run_id"] == "run0"
    assert len(mlflow.runs) == 1
    MlflowCursor.objects.update(due_at=None)
    follower.follow()
    assert (len(mlflow.runs), MlflowOutbox.objects.count()) == (1, 0)


def test_it_queues_while_mlflow_is_down_and_logs_later(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    mlflow.breaks(resets)
    for _ in range(2):
        response = request_run(gateway, row)
        assert (response.status_code, response["Retry-After"]) == (202, "5")
        assert response.json()["state"] == "queued"
    assert MlflowOutbox.objects.count() == 1
    mlflow.breaks(None)
    assert follower.follow() == 1
    assert request_run(gateway, row).json()["run_id"] == "run0"


def test_it_queues_while_another_worker_sends(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    MlflowCursor.objects.create(pk=1, leased_until=datetime.now(UTC) + timedelta(seconds=60))
    assert request_run(gateway, row).status_code == 202
    assert mlflow.runs == []
    MlflowCursor.objects.update(leased_until=None)
    assert follower.follow() == 1


def test_a_requested_run_is_sent_first(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    MlflowOutbox.objects.create(kind=MlflowOutbox.Kind.INFERENCES, source=row.SOURCE, subjects=row.id.hex)
    mlflow.breaks(resets)
    request_run(gateway, row)
    mlflow.breaks(None)
    assert follower.follow() == 2
    assert [run_values(run, "tags")["kind"] for run in mlflow.runs] == ["inference", "inferences"]


def test_a_new_request_retries_a_batch_that_was_set_aside(
    gateway: Client, mlflow: MLflow, row: InferenceRecord
) -> None:
    mlflow.instead = lambda path: (
        answers("400 Bad Request", b'{"error_code": "BAD_REQUEST"}') if "log-batch" in path else None
    )
    assert [request_run(gateway, row).status_code for _ in range(2)] == [202, 202]
    follower.follow()
    assert MlflowOutbox.objects.get().is_aside
    mlflow.breaks(None)
    assert request_run(gateway, row).status_code == 200


def test_an_unknown_inference_is_not_found(gateway: Client, mlflow: MLflow) -> None:
    assert_problem(post(gateway, {"inference_id": str(uuid7())}), 404, "no-such-record")
    assert (mlflow.calls, MlflowOutbox.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    "body", ["null", "[]", "{}", '{"inference_id": 7}', '{"inference_id": "7"}', '{"inference_id": []}']
)
def test_it_refuses_a_body_without_an_inference_id(gateway: Client, mlflow: MLflow, body: str) -> None:
    assert_problem(post(gateway, body), 400, "bad-input")
    assert mlflow.calls == []


def test_it_refuses_query_parameters(gateway: Client, mlflow: MLflow) -> None:
    assert_problem(gateway.get("/ml/v1/mlflow/runs/run0/?x=1"), 400, "bad-input")
    assert_problem(gateway.post("/ml/v1/mlflow/log-prediction/?x=1"), 400, "bad-input")


def test_it_shows_only_runs_that_it_logged(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    assert_problem(get_run(gateway, "unknown"), 404, "no-such-record")
    request_run(gateway, row)
    mlflow.runs[0]["data"]["tags"] = [{"key": "user", "value": "somebody"}]
    assert_problem(get_run(gateway, "run0"), 404, "no-such-record")


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (resets, "mlflow"),
        (answers("500 Oops"), "mlflow"),
        (answers("200 OK", b"<html>"), "mlflow"),
        (answers("200 OK", b'{"run": []}'), "mlflow"),
        (answers("400 Bad Request", b'{"error_code": "INVALID_PARAMETER_VALUE"}'), "mlflow-refused"),
    ],
)
def test_it_reports_a_fault_of_mlflow(gateway: Client, mlflow: MLflow, script: Script, kind: str) -> None:
    mlflow.breaks(script)
    assert_problem(get_run(gateway, "run0"), 502, kind)


def test_it_limits_the_wait_for_mlflow(gateway: Client, mlflow: MLflow, settings: Settings) -> None:
    settings.MLFLOW_TOTAL_SECONDS = 0.1
    mlflow.breaks(lambda _: None)
    assert_problem(get_run(gateway, "run0"), 504, "mlflow-timeout")


def test_it_is_not_found_while_it_is_off(gateway: Client, model: ScriptedModel, row: InferenceRecord) -> None:
    for response in (request_run(gateway, row), post(gateway, "{}"), get_run(gateway, "run0")):
        assert "MLFLOW_TRACKING_URI" in assert_problem(response, 404, "mlflow-off")["detail"]
    assert model.requests == []
