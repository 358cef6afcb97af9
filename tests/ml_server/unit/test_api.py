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
from ml_server.dataset import Dataset
from ml_server.recipes import DEFAULT_MODEL

PREDICT = "/api/v1/predict"
RETRAIN = "/api/v1/retrain"
RESULT_MEMBERS = {"model", "metrics", "parent", "promoted", "reason", "objections", "compared", "params", "seconds"}


def fields(answer: Any) -> dict[str, str]:
    return {error["field"]: error["detail"] for error in answer.get_json()["fields"]}


def test_it_predicts_most_confident_first_and_names_the_version(client: FlaskClient, example: dict[str, Any]) -> None:
    answer = client.post(PREDICT, json=example)
    assert answer.status_code == 200
    body = answer.get_json()
    assert body.keys() == {"model", "predictions"}
    assert body["model"] == {"name": DEFAULT_MODEL, "version": "1"}
    first, second = body["predictions"]
    assert {first["label"], second["label"]} == {"malignant", "benign"}
    assert 1 >= first["confidence"] >= second["confidence"] >= 0
    assert first["confidence"] + second["confidence"] == pytest.approx(1, abs=1e-5)


def test_it_accepts_other_members_and_any_media_type(client: FlaskClient, example: dict[str, Any]) -> None:
    deep: Any = 1
    for _ in range(511):
        deep = [deep]
    names = {"doctor_name": "Dr. 김민준 (synthetic)", "patient_name": "\ud800", "big": 10**400, "deep": deep}
    answer = client.post(PREDICT, data=json.dumps(names | example), content_type="text/plain")
    assert answer.get_json() == client.post(PREDICT, json=example).get_json()


def test_it_distinguishes_the_two_classes(client: FlaskClient, dataset: Dataset) -> None:
    rows = [dataset.rows[dataset.labels == label].mean(axis=0) for label in (0, 1)]
    bodies = [{"features": dict(zip(dataset.features, row.tolist(), strict=True))} for row in rows]
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
def test_it_names_an_invalid_feature(client: FlaskClient, example: dict[str, Any], value: str, detail: str) -> None:
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
        "features.shoe_size": "is unknown: remove it",
        "features.\ud800": "is unknown: remove it",
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
def test_it_rejects_a_bad_body_with_a_reason(client: FlaskClient, body: bytes, status: int) -> None:
    answer = client.post(PREDICT, data=body)
    assert answer.status_code == status
    assert answer.get_json()["error"]


def test_it_rejects_a_model_that_is_not_a_string(client: FlaskClient, example: dict[str, Any]) -> None:
    answer = client.post(PREDICT, json=example | {"model": None})
    assert (answer.status_code, fields(answer)) == (422, {"model": "must be of type string"})


@pytest.mark.parametrize("path", [PREDICT, RETRAIN])
def test_it_lists_its_models_for_an_unknown_name(client: FlaskClient, path: str) -> None:
    answer = client.post(path, json={"model": "another"})
    assert answer.status_code == 404
    assert answer.get_json() == {
        "error": f"there is no model with this name: use one of {DEFAULT_MODEL}, handwritten-digits"
    }


def test_model_info_describes_how_to_call_the_model(client: FlaskClient) -> None:
    info = client.get("/api/v1/model-info").get_json()
    model, image_model = info["models"]
    assert (info["name"], info["version"]) == (model["name"], model["version"]) == (DEFAULT_MODEL, "1")
    expected = {"name", "version", "task", "input_schema", "example", "classes", "metrics", "trained_at", "lineage"}
    common = expected | {"licence", "change_plan", "translations"}
    assert model.keys() == common | {"reference"}  # how its inputs were distributed
    assert image_model.keys() == common | {"preprocessing"}
    assert model["example"]["model"] == DEFAULT_MODEL
    jsonschema.Draft202012Validator.check_schema(model["input_schema"])
    jsonschema.validate(model["example"], model["input_schema"])
    assert client.post(PREDICT, json=model["example"]).status_code == 200
    assert model["classes"] == ["malignant", "benign"]
    shown = {"features", *model["input_schema"]["properties"]["features"]["required"], *model["classes"]}
    assert model["translations"]["ko"].keys() == shown


def test_model_info_has_the_lineage(client: FlaskClient, dataset: Dataset) -> None:
    lineage = client.get("/api/v1/model-info").get_json()["models"][0]["lineage"]
    assert lineage["data"]["sha256"] == dataset.sha256
    assert lineage["seed"] == 7
    assert lineage["params"] == {"C": 1.0, "epochs": 50, "test_size": 0.25}
    assert lineage["libraries"].keys() == {"numpy", "onnx", "onnxruntime", "pillow", "scikit-learn", "skl2onnx"}
    assert lineage["parent"] is None


def test_status_counts_and_measures_requests(client: FlaskClient, example: dict[str, Any]) -> None:
    before = client.get("/api/v1/status").get_json()
    client.post(PREDICT, json=example)
    after = client.get("/api/v1/status").get_json()
    assert (after["status"], after["training"]) == ("ok", {"running": False})
    assert after["model"] == {"name": DEFAULT_MODEL, "version": "1"}
    assert after["requests"] == before["requests"] + 2
    assert after["uptime_s"] > before["uptime_s"]
    assert after["latency_ms"]["p50"] <= after["latency_ms"]["p99"] < 1000
    biopsies, digits = after["models"]
    assert (biopsies["name"], biopsies["version"], digits["name"]) == (DEFAULT_MODEL, "1", "handwritten-digits")
    assert biopsies["predictions"] == before["models"][0]["predictions"] + 1
    assert biopsies["latency_ms"].keys() == {"p50", "p95", "p99"}
    assert biopsies["provider"] in {"CPUExecutionProvider", "CUDAExecutionProvider"}


def test_status_reports_resource_usage(client: FlaskClient) -> None:
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
def test_it_answers_a_wrong_path_or_method_in_json(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert answer.get_json()["error"]
    assert ("Allow" in answer.headers) == (status == 405)


def test_it_rejects_a_body_over_the_limit_and_accepts_one_at_it(client: FlaskClient, example: dict[str, Any]) -> None:
    at_cap = json.dumps(example).encode().ljust(MAX_BODY_BYTES)
    assert client.post(PREDICT, data=at_cap).status_code == 200
    answer = client.post(PREDICT, data=at_cap + b" ")
    error = {"error": f"the body is too large: send at most {MAX_BODY_BYTES} bytes"}
    assert (answer.status_code, answer.get_json()) == (413, error)


@pytest.mark.parametrize("body", [b'{"params": {"zz": 1}}', b'{"params": {"C": NaN}}', b'{"param": {}}'])
def test_it_rejects_unknown_parameters(client: FlaskClient, body: bytes) -> None:
    answer = client.post(RETRAIN, data=body)
    assert answer.status_code == 422
    assert len(fields(answer)) == 1


def test_it_retrains_on_an_empty_body_and_serves_the_new_version(tmp_path: Path, example: dict[str, Any]) -> None:
    client = create_app(tmp_path).test_client()
    answer = client.post(RETRAIN)
    body = answer.get_json()
    assert answer.status_code == 200
    assert body.keys() == RESULT_MEMBERS
    assert (body["model"]["version"], body["parent"]) == ("2", "1")
    assert client.post(PREDICT, json=example).get_json()["model"] == body["model"]
    assert create_app(tmp_path).test_client().get("/api/v1/model-info").get_json()["version"] == "2"


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/x-ndjson, */*;q=0.1"])
def test_it_streams_a_retrain_if_the_client_prefers_that(tmp_path: Path, accept: str) -> None:
    answer = create_app(tmp_path).test_client().post(RETRAIN, headers={"Accept": accept})
    assert answer.mimetype == "application/x-ndjson"
    *progress, result = [json.loads(line) for line in answer.data.splitlines()]
    assert {event["event"] for event in progress} == {"progress"}
    assert all(event.keys() == {"event", "percent", "message"} for event in progress)
    assert result.keys() == RESULT_MEMBERS | {"event"}
    assert result["event"] == "result"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/x-ndjson;q=0.1, application/json"])
def test_it_answers_once_if_the_client_prefers_json(tmp_path: Path, accept: str) -> None:
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


def test_it_prevents_log_injection(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client.get("/a%0aGET /fake 200", headers={"X-Request-ID": "x\tGET /fake \x7f" + "y" * 999}).close()
    (line,) = caplog.messages
    assert line.startswith("GET /a%0AGET%20/fake%20200 404 ")
    assert "request_id=x?GET?/fake??yyy" in line
    assert len(line) < 500
