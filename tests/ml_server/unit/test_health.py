"""`GET /api/v1/health`, and errors in the gateway's shape."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from ml_server.app import create_app
from ml_server.recipes import DEFAULT_MODEL

PREDICT = "/api/v1/predict"
PROBLEM = "application/problem+json"


def test_it_reports_resources_models_and_gpu(client: FlaskClient) -> None:
    response = client.get("/api/v1/health")
    health: dict[str, Any] = response.get_json()
    assert (response.status_code, health["status"]) == (200, "healthy")
    assert [each["state"] for each in health["models"]] == ["ready", "ready"]
    assert health["models"][0]["name"] == DEFAULT_MODEL
    assert health["models"][0]["provider"] == "CPUExecutionProvider"
    assert health["training"] == {"running": False}
    resources = health["resources"]
    assert 0 < resources["memory"]["available_bytes"] <= resources["memory"]["total_bytes"]
    assert 0 < resources["disk"]["free_bytes"] <= resources["disk"]["total_bytes"]
    assert resources["cpu"]["count"] >= 1
    assert len(resources["cpu"]["load"]) == 3
    assert resources["process"]["rss_bytes"] > 0
    assert set(health["gpu"]) == {"used", "devices"}


@pytest.mark.parametrize(("damaged", "status"), [("handwritten-digits", "degraded"), (DEFAULT_MODEL, "unhealthy")])
def test_it_reports_a_model_that_can_not_serve(tmp_path: Path, damaged: str, status: str) -> None:
    client = create_app(tmp_path).test_client()
    registry = client.application.extensions["ml_server"]._registry
    registry.store(damaged).serving = None
    response = client.get("/api/v1/health")
    health = response.get_json()
    assert health["status"] == status
    assert response.status_code == (503 if status == "unhealthy" else 200)
    assert [each["name"] for each in health["models"] if each["state"] == "refused"] == [damaged]


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (PROBLEM, PROBLEM),
        (f"application/json;q=0.5, {PROBLEM}", PROBLEM),
        (f"application/json, {PROBLEM};q=0.5", "application/json"),
        (f"application/json, {PROBLEM};q=0", "application/json"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        (None, "application/json"),
    ],
)
def test_errors_have_the_shape_that_accept_names(client: FlaskClient, accept: str | None, media: str) -> None:
    headers = {"Accept": accept} if accept else {}
    assert client.post(PREDICT, data=b"{", headers=headers).content_type == media


def test_a_problem_names_each_field_by_a_pointer(client: FlaskClient, example: dict[str, Any]) -> None:
    name = next(iter(example["features"]))
    body = {**example, "features": example["features"] | {name: "high"}}
    response = client.post(PREDICT, json=body, headers={"Accept": PROBLEM, "X-Request-ID": "r-1"})
    problem = response.get_json()
    assert response.status_code == 422
    assert problem["errors"] == [{"pointer": f"/features/{name}", "detail": "must be of type number"}]
    assert {key: problem[key] for key in ("type", "title", "status", "request_id")} == {
        "type": "urn:ml-proxy:problem:unprocessable-entity",
        "title": "Unprocessable Entity",
        "status": 422,
        "request_id": "r-1",
    }
    assert problem["detail"]


def test_unknown_paths_and_wrong_methods_are_problems_too(client: FlaskClient) -> None:
    wrong = client.get(PREDICT, headers={"Accept": PROBLEM})
    assert (wrong.status_code, wrong.content_type, "POST" in wrong.headers["Allow"]) == (405, PROBLEM, True)
    assert client.get("/api/v1/none", headers={"Accept": PROBLEM}).get_json()["status"] == 404
