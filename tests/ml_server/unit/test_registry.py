"""Models and versions over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from flask.testing import FlaskClient

from ml_server.app import create_app
from ml_server.recipes import DEFAULT_MODEL
from tests.support.wait import until

MODELS = "/api/v1/models"
DIGITS = "handwritten-digits"
ALWAYS_PROMOTE = {"params": {"epochs": 1, "promote": "always"}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def two(folder: Path) -> FlaskClient:
    """A server whose default model has two versions."""
    client = create_app(folder).test_client()
    assert client.post("/api/v1/retrain", json=ALWAYS_PROMOTE).status_code == 200
    return client


def promote(client: FlaskClient, name: str, version: str) -> Any:
    return client.post(f"{MODELS}/{name}/versions/{version}/promote")


def predicted_by(client: FlaskClient, **body: object) -> Any:
    example = client.get("/api/v1/model-info").get_json()["models"][0]["example"]
    return client.post("/api/v1/predict", json=example | body).get_json()


def test_it_lists_every_model_with_its_versions(two: FlaskClient) -> None:
    promote(two, DEFAULT_MODEL, "2")
    biopsies, digits = two.get(MODELS).get_json()["models"]
    assert (biopsies["name"], biopsies["serving"], digits["name"], digits["serving"]) == (
        DEFAULT_MODEL,
        "2",
        DIGITS,
        "1",
    )
    newest, oldest = biopsies["versions"]
    assert newest.keys() == {"version", "state", "trained_at", "metrics", "parent", "promotions"}
    assert (newest["version"], newest["state"], newest["parent"]) == ("2", "serving", "1")
    assert (oldest["version"], oldest["state"], oldest["parent"]) == ("1", "kept", None)
    assert two.get(f"{MODELS}/{DEFAULT_MODEL}").get_json() == biopsies


def test_a_promotion_and_a_rollback_survive_a_restart(two: FlaskClient, folder: Path) -> None:
    for version, before in (("2", "2"), ("1", "2"), ("1", "1")):
        promote(two, DEFAULT_MODEL, before)
        answer = promote(two, DEFAULT_MODEL, version)
        assert answer.get_json() == {"model": {"name": DEFAULT_MODEL, "version": version}, "previous": before}
        assert predicted_by(two)["model"]["version"] == version
        assert create_app(folder).test_client().get("/api/v1/model-info").get_json()["version"] == version


def test_it_predicts_with_the_model_and_version_that_the_body_names(two: FlaskClient) -> None:
    promote(two, DEFAULT_MODEL, "2")
    old = predicted_by(two, version="1")
    assert old["model"] == {"name": DEFAULT_MODEL, "version": "1"}
    assert old["predictions"] != predicted_by(two)["predictions"] == predicted_by(two, version="2")["predictions"]
    image = two.get("/api/v1/model-info").get_json()["models"][1]["example"]
    answer = two.post("/api/v1/predict", json=image | {"version": "1"}).get_json()
    assert answer["model"] == {"name": DIGITS, "version": "1"}


def test_every_answer_comes_from_the_version_that_it_names_during_promotions(two: FlaskClient) -> None:
    service, enough = two.application.extensions["ml_server"], Event()
    example = service.info()["models"][0]["example"]
    expected = {version: service.predict(example | {"version": version}) for version in ("1", "2")}
    assert expected["1"]["predictions"] != expected["2"]["predictions"]
    seen: list[str] = []

    def predict() -> None:
        while not enough.is_set():
            answer = service.predict(example)
            assert answer == expected[answer["model"]["version"]]
            seen.append(answer["model"]["version"])

    with ThreadPoolExecutor() as pool:
        callers = [pool.submit(predict) for _ in range(2)]
        try:
            for version in ("1", "2") * 4:
                service.promote(DEFAULT_MODEL, version, {})
                until(lambda now=version: bool(seen) and seen[-1] == now)  # type: ignore[misc]
        finally:
            enough.set()
        assert [caller.result() for caller in callers] == [None, None]


def test_it_rejects_a_version_that_is_not_a_string(two: FlaskClient) -> None:
    answer = predicted_by(two, version=1)
    assert answer["fields"] == [{"field": "version", "detail": "must be of type string"}]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/nobody", f"there is no model with this name: use one of {DEFAULT_MODEL}, {DIGITS}"),
        (f"/{DEFAULT_MODEL}/versions/9/promote", "this model has no such version: use one of 2, 1"),
        (f"/{DEFAULT_MODEL}/versions/%2e%2e/promote", "this model has no such version: use one of 2, 1"),
        ("/nobody/versions/1/promote", f"there is no model with this name: use one of {DEFAULT_MODEL}, {DIGITS}"),
    ],
)
def test_it_lists_what_may_be_used_instead(two: FlaskClient, path: str, error: str) -> None:
    answer = two.post(MODELS + path) if path.endswith("promote") else two.get(MODELS + path)
    assert (answer.status_code, answer.get_json()) == (404, {"error": error})


def test_it_gives_the_reason_why_a_version_is_refused(tmp_path: Path) -> None:
    client = create_app(tmp_path).test_client()
    client.post("/api/v1/retrain", json=ALWAYS_PROMOTE)
    (tmp_path / DEFAULT_MODEL / "1" / "model.onnx").write_bytes(b"garbage")
    asked = client.post("/api/v1/predict", json={"version": "1"})
    assert (asked.status_code, "the ONNX file differs from onnx_sha256" in asked.get_json()["error"]) == (409, True)
    assert promote(client, DEFAULT_MODEL, "1").status_code == 409
    assert predicted_by(client)["model"]["version"] == "2"
    refused = client.get(f"{MODELS}/{DEFAULT_MODEL}").get_json()["versions"][1]
    assert (refused["state"], refused["reason"]) == (
        "refused",
        "the ONNX file differs from onnx_sha256 in its metadata",
    )


def test_it_serves_the_other_models_if_one_has_no_valid_version(tmp_path: Path) -> None:
    create_app(tmp_path)
    (tmp_path / "another").mkdir()
    (tmp_path / "another" / "1").mkdir()
    client = create_app(tmp_path).test_client()
    assert client.post("/api/v1/predict", json={"model": "another"}).status_code == 503
    assert client.get(f"{MODELS}/another").get_json()["versions"][0]["state"] == "refused"
    assert predicted_by(client)["model"]["name"] == DEFAULT_MODEL
    assert [model["name"] for model in client.get("/api/v1/status").get_json()["models"]] == [DEFAULT_MODEL, DIGITS]
