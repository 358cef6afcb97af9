import json
import logging
from pathlib import Path
from typing import Any

import jsonschema
import onnxruntime
import psutil
import pytest
from flask.testing import FlaskClient

from ml_server.app import MAX_BODY_BYTES, create_app
from ml_server.courses import DEFAULT
from ml_server.dataset import DataSet

PREDICT = "/api/v1/predict"
RETRAIN = "/api/v1/retrain"
OF_A_RETRAIN = {"model", "metrics", "parent", "promoted", "reason", "compared", "params", "seconds"}


def fields(answer: Any) -> dict[str, str]:
    return {fault["field"]: fault["detail"] for fault in answer.get_json()["fields"]}


def test_it_predicts_surest_first_and_names_the_version(client: FlaskClient, example: dict[str, Any]) -> None:
    answer = client.post(PREDICT, json=example)
    assert answer.status_code == 200
    body = answer.get_json()
    assert body.keys() == {"model", "predictions"}
    assert body["model"] == {"name": DEFAULT, "version": "1"}
    first, second = body["predictions"]
    assert {first["label"], second["label"]} == {"malignant", "benign"}
    assert 1 >= first["confidence"] >= second["confidence"] >= 0
    assert first["confidence"] + second["confidence"] == pytest.approx(1, abs=1e-5)


def test_it_takes_whatever_else_the_body_holds_and_any_media_type(client: FlaskClient, example: dict[str, Any]) -> None:
    deep: Any = 1
    for _ in range(511):
        deep = [deep]
    names = {"doctor_name": "Dr. 김민준 (synthetic)", "patient_name": "\ud800", "big": 10**400, "deep": deep}
    answer = client.post(PREDICT, data=json.dumps(names | example), content_type="text/plain")
    assert answer.get_json() == client.post(PREDICT, json=example).get_json()


def test_it_tells_the_two_kinds_of_biopsy_apart(client: FlaskClient, data: DataSet) -> None:
    rows = [data.rows[data.labels == label].mean(axis=0) for label in (0, 1)]
    bodies = [{"features": dict(zip(data.features, row.tolist(), strict=True))} for row in rows]
    answers = [client.post(PREDICT, json=body).get_json() for body in bodies]
    assert [answer["predictions"][0]["label"] for answer in answers] == ["malignant", "benign"]


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ("true", "must be of type number"),
        ("null", "must be of type number"),
        ('"1"', "must be of type number"),
        ("[1]", "must be of type number"),
        ("NaN", "must be of type number"),
        ("-Infinity", "must be of type number"),
        ("1e999", "must be 1000000 or less"),
        ("1" + "0" * 400, "must be 1000000 or less"),
        ("9" * 5000, "must be 1000000 or less"),
        ("-0.1", "must be 0 or more"),
        ("[" * 600 + "]" * 600, "must be of type number"),
    ],
)
def test_it_names_a_feature_it_cannot_use(
    client: FlaskClient, example: dict[str, Any], value: str, detail: str
) -> None:
    example["features"]["mean_radius"] = "PLACE"
    answer = client.post(PREDICT, data=json.dumps(example).replace('"PLACE"', value))
    assert answer.status_code == 422
    assert fields(answer) == {"features.mean_radius": detail}


def test_it_names_every_missing_and_unknown_feature(client: FlaskClient, example: dict[str, Any]) -> None:
    del example["features"]["mean_radius"], example["features"]["worst_area"]
    example["features"] |= {"shoe_size": 1, "\ud800": 2}
    answer = client.post(PREDICT, json=example)
    assert answer.status_code == 422
    assert fields(answer) == {
        "features.mean_radius": "is missing",
        "features.worst_area": "is missing",
        "features.shoe_size": "is not known",
        "features.\ud800": "is not known",
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"[]", 400),
        (b"{}", 422),
        (b'{"features": []}', 422),
        (b'{"features": null}', 422),
        (b'{"model": 1, "features": {}}', 422),
        (b'{"model": "another"}', 404),
        (b"[" * 100_000, 400),
    ],
)
def test_it_answers_a_bad_body_with_a_reason(client: FlaskClient, body: bytes, status: int) -> None:
    answer = client.post(PREDICT, data=body)
    assert answer.status_code == status
    assert answer.get_json()["error"]


def test_it_refuses_a_model_field_that_is_no_text_even_beside_good_features(
    client: FlaskClient, example: dict[str, Any]
) -> None:
    answer = client.post(PREDICT, json=example | {"model": None})
    assert (answer.status_code, fields(answer)) == (422, {"model": "must be of type string"})


@pytest.mark.parametrize("path", [PREDICT, RETRAIN])
def test_it_names_the_models_it_knows(client: FlaskClient, path: str) -> None:
    answer = client.post(path, json={"model": "another"})
    assert answer.status_code == 404
    assert answer.get_json() == {"error": f"there is no model of this name; known: {DEFAULT}, handwritten-digits"}


def test_it_describes_its_model_so_that_a_stranger_can_call_it(client: FlaskClient) -> None:
    info = client.get("/api/v1/model-info").get_json()
    model, pictures = info["models"]
    assert (info["name"], info["version"]) == (model["name"], model["version"]) == (DEFAULT, "1")
    expected = {"name", "version", "task", "input_schema", "example", "classes", "metrics", "trained_at", "lineage"}
    assert model.keys() == expected | {"licence"}
    assert pictures.keys() == model.keys() | {"preprocessing"}
    assert model["example"]["model"] == DEFAULT
    jsonschema.Draft202012Validator.check_schema(model["input_schema"])
    jsonschema.validate(model["example"], model["input_schema"])
    assert client.post(PREDICT, json=model["example"]).status_code == 200
    assert model["classes"] == ["malignant", "benign"]


def test_it_keeps_the_lineage_of_its_model(client: FlaskClient, data: DataSet) -> None:
    lineage = client.get("/api/v1/model-info").get_json()["models"][0]["lineage"]
    assert lineage["data"]["sha256"] == data.sha256
    assert lineage["seed"] == 7
    assert lineage["params"] == {"C": 1.0, "epochs": 50, "test_size": 0.25}
    assert lineage["libraries"].keys() == {"numpy", "onnx", "onnxruntime", "pillow", "scikit-learn", "skl2onnx"}
    assert lineage["parent"] is None


def test_it_tells_how_it_goes(client: FlaskClient, example: dict[str, Any]) -> None:
    before = client.get("/api/v1/status").get_json()
    client.post(PREDICT, json=example)
    after = client.get("/api/v1/status").get_json()
    assert (after["status"], after["training"]) == ("ok", {"running": False})
    assert after["model"] == {"name": DEFAULT, "version": "1"}
    assert after["requests"] == before["requests"] + 2
    assert after["uptime_s"] > before["uptime_s"]
    assert after["latency_ms"]["p50"] <= after["latency_ms"]["p99"] < 1000
    biopsies, digits = after["models"]
    assert (biopsies["name"], biopsies["version"], digits["name"]) == (DEFAULT, "1", "handwritten-digits")
    assert biopsies["predictions"] == before["models"][0]["predictions"] + 1
    assert biopsies["latency_ms"].keys() == {"p50", "p95", "p99"}
    assert biopsies["provider"] in {"CPUExecutionProvider", "CUDAExecutionProvider"}


def test_it_tells_what_it_takes_of_the_machine(client: FlaskClient) -> None:
    status = client.get("/api/v1/status").get_json()
    here = psutil.Process()
    assert status["memory"]["rss_bytes"] == pytest.approx(here.memory_info().rss, rel=0.2)
    assert status["memory"]["available_bytes"] > 0
    assert status["cpu"]["seconds"] == pytest.approx(sum(here.cpu_times()[:2]), abs=2)
    assert status["cpu"]["count"] == psutil.cpu_count()
    assert status["cpu"]["percent"] >= 0
    assert (status["gpu"] is None) == ("CUDAExecutionProvider" not in onnxruntime.get_available_providers())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("POST", PREDICT + "/", 404), ("GET", "/api//v1/status", 404), ("GET", PREDICT, 405)],
)
def test_it_answers_a_wrong_address_in_json(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert answer.get_json()["error"]
    assert ("Allow" in answer.headers) == (status == 405)


def test_it_refuses_a_body_over_the_cap_and_takes_one_at_it(client: FlaskClient, example: dict[str, Any]) -> None:
    at_cap = json.dumps(example).encode().ljust(MAX_BODY_BYTES)
    assert client.post(PREDICT, data=at_cap).status_code == 200
    answer = client.post(PREDICT, data=at_cap + b" ")
    error = {"error": f"the body may have at most {MAX_BODY_BYTES} bytes"}
    assert (answer.status_code, answer.get_json()) == (413, error)


@pytest.mark.parametrize("body", [b'{"params": {"zz": 1}}', b'{"params": {"C": NaN}}', b'{"param": {}}'])
def test_it_refuses_parameters_that_it_does_not_know(client: FlaskClient, body: bytes) -> None:
    answer = client.post(RETRAIN, data=body)
    assert answer.status_code == 422
    assert len(fields(answer)) == 1


def test_it_retrains_on_an_empty_body_and_serves_the_new_version(tmp_path: Path, example: dict[str, Any]) -> None:
    client = create_app(tmp_path).test_client()
    answer = client.post(RETRAIN)
    body = answer.get_json()
    assert answer.status_code == 200
    assert body.keys() == OF_A_RETRAIN
    assert (body["model"]["version"], body["parent"]) == ("2", "1")
    assert client.post(PREDICT, json=example).get_json()["model"] == body["model"]
    assert create_app(tmp_path).test_client().get("/api/v1/model-info").get_json()["version"] == "2"


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/x-ndjson, */*;q=0.1"])
def test_it_streams_a_retrain_where_the_caller_prefers_that(tmp_path: Path, accept: str) -> None:
    answer = create_app(tmp_path).test_client().post(RETRAIN, headers={"Accept": accept})
    assert answer.mimetype == "application/x-ndjson"
    *progress, result = [json.loads(line) for line in answer.data.splitlines()]
    assert {event["event"] for event in progress} == {"progress"}
    assert all(event.keys() == {"event", "percent", "message"} for event in progress)
    assert result.keys() == OF_A_RETRAIN | {"event"}
    assert result["event"] == "result"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/x-ndjson;q=0.1, application/json"])
def test_it_answers_once_where_the_caller_prefers_json(tmp_path: Path, accept: str) -> None:
    answer = create_app(tmp_path).test_client().post(RETRAIN, headers={"Accept": accept})
    assert answer.mimetype == "application/json"


def test_it_logs_a_request_without_its_query_and_body(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, example: dict[str, Any]
) -> None:
    with caplog.at_level(logging.DEBUG):
        headers = {"X-Request-ID": "abc-123"}
        client.post(PREDICT + "?patient=Lee", json=example | {"patient_name": "Park"}, headers=headers).close()
    (line,) = caplog.messages
    assert line.startswith("POST /api/v1/predict 200 ")
    assert line.endswith(" ms request_id=abc-123")
    assert "Lee" not in line
    assert "Park" not in line


def test_it_lets_nobody_write_log_lines_of_his_own(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client.get("/a%0aGET /fake 200", headers={"X-Request-ID": "x\tGET /fake \x7f" + "y" * 999}).close()
    (line,) = caplog.messages
    assert line.startswith("GET /a%0AGET%20/fake%20200 404 ")
    assert "request_id=x?GET?/fake??yyy" in line
    assert len(line) < 500
