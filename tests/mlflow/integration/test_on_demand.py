"""`mlflow/log-prediction/` and `mlflow/runs/{id}/`: one inference as a run of its own, now or later, and never two."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from common.ids import uuid7
from integrations.mlflow import follower
from integrations.mlflow.models import MlflowCursor, MlflowOutbox
from ml_proxy.records import InferenceRecord
from tests.support.door import problem, resets
from tests.support.model import PREDICTION, Script, ScriptedModel
from tests.support.rows import lay
from tests.support.tracking import MLflow, told

pytestmark = pytest.mark.django_db

INPUT = '{"doctor_name": "Dr. Kim", "patient_name": "Lee", "x": 1e999}'


@pytest.fixture
def mlflow(model: ScriptedModel, settings: Settings) -> MLflow:
    return MLflow(model, settings)


@pytest.fixture
def row() -> InferenceRecord:
    return lay(input_data=INPUT, output_data=PREDICTION.decode())


def ask(gateway: Client, body: Any) -> Any:
    data = body if isinstance(body, str) else json.dumps(body)
    return gateway.post("/ml/v1/mlflow/log-prediction/", data, content_type="application/json")


def ask_for(gateway: Client, row: InferenceRecord) -> Any:
    return ask(gateway, {"inference_id": str(row.id)})


def look(gateway: Client, run_id: str) -> Any:
    return gateway.get(f"/ml/v1/mlflow/runs/{run_id}/")


def answers(status: str, body: bytes = b"{}") -> Script:
    return lambda conversation: conversation.answer(body, status=status)


def test_it_logs_an_inference_as_a_run_of_its_own(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    response = ask_for(gateway, row)
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert response.json() == {"inference_id": str(row.id), "run_id": "run0", "state": "logged"}
    assert response["Location"] == "http://testserver/ml/v1/mlflow/runs/run0/"
    [run] = mlflow.runs
    assert told(run, "params") == {"model_name": "stub", "model_version": "7", "prediction": "benign"}
    assert told(run, "metrics") == {"latency_ms": 1.5, "confidence": 0.93, "confidence_benign": 0.93}
    assert told(run, "tags")["inference_id"] == str(row.id)
    assert {name: data.decode() for name, data in mlflow.files.items()} == {
        "7/run0/artifacts/input.json": '{ "x": 1e999}',
        "7/run0/artifacts/output.json": PREDICTION.decode(),
    }
    assert not MlflowOutbox.objects.exists()


def test_it_shows_the_run(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    found = look(gateway, ask_for(gateway, row).json()["run_id"])
    assert (found.status_code, found["Cache-Control"]) == (200, "no-store")
    shown = found.json()
    assert (shown["run_id"], shown["run_name"], shown["status"]) == ("run0", f"inference {row.id}", "FINISHED")
    assert shown["metrics"]["latency_ms"] == 1.5
    assert shown["params"]["prediction"] == "benign"
    assert shown["tags"]["inference_id"] == str(row.id)
    assert shown["end_time"] == int(row.predicted_at.timestamp() * 1000)


def test_it_gives_the_same_run_again(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    assert ask_for(gateway, row).json() == ask_for(gateway, row).json()
    assert (len(mlflow.runs), len(mlflow.files)) == (1, 2)


@pytest.mark.parametrize("number", range(13))
def test_it_makes_no_second_run_when_an_answer_is_lost(
    gateway: Client, mlflow: MLflow, row: InferenceRecord, number: int
) -> None:
    mlflow.loses_answer(number)
    assert ask_for(gateway, row).json() == {"inference_id": str(row.id), "run_id": None, "state": "queued"}
    assert ask_for(gateway, row).json()["run_id"] == "run0"
    assert len(mlflow.runs) == 1
    MlflowCursor.objects.update(due_at=None)
    follower.follow()
    assert (len(mlflow.runs), MlflowOutbox.objects.count()) == (1, 0)


def test_it_queues_while_mlflow_is_down_and_logs_later(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    mlflow.breaks(resets)
    for _ in range(2):
        response = ask_for(gateway, row)
        assert (response.status_code, response["Retry-After"]) == (202, "5")
        assert response.json()["state"] == "queued"
    assert MlflowOutbox.objects.count() == 1
    mlflow.breaks(None)
    assert follower.follow() == 1
    assert ask_for(gateway, row).json()["run_id"] == "run0"


def test_it_queues_while_the_sink_is_at_work(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    MlflowCursor.objects.create(pk=1, leased_until=datetime.now(UTC) + timedelta(seconds=60))
    assert ask_for(gateway, row).status_code == 202
    assert mlflow.runs == []
    MlflowCursor.objects.update(leased_until=None)
    assert follower.follow() == 1


def test_what_was_asked_for_goes_first(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    MlflowOutbox.objects.create(kind=MlflowOutbox.Kind.INFERENCES, source=row.SOURCE, subjects=row.id.hex)
    mlflow.breaks(resets)
    ask_for(gateway, row)
    mlflow.breaks(None)
    assert follower.follow() == 2
    assert [told(run, "tags")["kind"] for run in mlflow.runs] == ["inference", "inferences"]


def test_it_tries_again_what_was_set_aside(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    mlflow.instead = lambda path: (
        answers("400 Bad Request", b'{"error_code": "BAD_REQUEST"}') if "log-batch" in path else None
    )
    assert [ask_for(gateway, row).status_code for _ in range(2)] == [202, 202]
    follower.follow()
    assert MlflowOutbox.objects.get().is_aside
    mlflow.breaks(None)
    assert ask_for(gateway, row).status_code == 200


def test_it_knows_no_other_inference(gateway: Client, mlflow: MLflow) -> None:
    problem(ask(gateway, {"inference_id": str(uuid7())}), 404, "no-such-record")
    assert (mlflow.calls, MlflowOutbox.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    "body", ["null", "[]", "{}", '{"inference_id": 7}', '{"inference_id": "7"}', '{"inference_id": []}']
)
def test_it_refuses_what_names_no_inference(gateway: Client, mlflow: MLflow, body: str) -> None:
    problem(ask(gateway, body), 400, "bad-input")
    assert mlflow.calls == []


def test_it_takes_no_parameter(gateway: Client, mlflow: MLflow) -> None:
    problem(gateway.get("/ml/v1/mlflow/runs/run0/?x=1"), 400, "bad-input")
    problem(gateway.post("/ml/v1/mlflow/log-prediction/?x=1"), 400, "bad-input")


def test_it_shows_no_run_that_it_has_not_logged(gateway: Client, mlflow: MLflow, row: InferenceRecord) -> None:
    problem(look(gateway, "unknown"), 404, "no-such-record")
    ask_for(gateway, row)
    mlflow.runs[0]["data"]["tags"] = [{"key": "user", "value": "somebody"}]
    problem(look(gateway, "run0"), 404, "no-such-record")


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
def test_it_tells_what_mlflow_does_wrong(gateway: Client, mlflow: MLflow, script: Script, kind: str) -> None:
    mlflow.breaks(script)
    problem(look(gateway, "run0"), 502, kind)


def test_it_waits_for_mlflow_so_long_and_no_longer(gateway: Client, mlflow: MLflow, settings: Settings) -> None:
    settings.MLFLOW_TOTAL_SECONDS = 0.1
    mlflow.breaks(lambda _: None)
    problem(look(gateway, "run0"), 504, "mlflow-timeout")


def test_it_is_not_there_while_it_is_off(gateway: Client, model: ScriptedModel, row: InferenceRecord) -> None:
    for response in (ask_for(gateway, row), ask(gateway, "{}"), look(gateway, "run0")):
        assert "MLFLOW_TRACKING_URI" in problem(response, 404, "mlflow-off")["detail"]
    assert model.requests == []
