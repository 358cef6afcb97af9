"""The whole loop in real processes: a doctor corrects an answer, a job retrains, and the answer changes."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.support.system import System
from tests.support.wait import until

pytestmark = pytest.mark.any_database

CALLERS = 6
AFTERWARDS = 50  # answers of the new version

Answers = dict[str, str]  # the version that answered, by the inference's id


@pytest.fixture(scope="module")
def system(make_shared_system: Callable[..., System]) -> System:
    made = make_shared_system(JOB_HEARTBEAT_SECONDS="0.2")
    made.start("redis", "ml_server", "web", "publisher", "worker-logs", "worker-jobs")
    until(lambda: get(made, "model-info"), what="the model server")
    return made


def get(system: System, path: str) -> Any:
    response = requests.get(f"{system.url}/ml/v1/{path}/", timeout=60)
    response.raise_for_status()
    return response.json()


def post(system: System, path: str, **body: Any) -> Any:
    response = requests.post(f"{system.url}/ml/v1/{path}/", json=body, timeout=60)
    response.raise_for_status()
    return response.json()


def model_info(system: System, model: str) -> Any:
    [found] = [each for each in get(system, "model-info")["models"] if each["name"] == model]
    return found


def retrained(system: System, **body: Any) -> Any:
    """Starts a retrain and returns the job when it has succeeded."""
    path = f"retrain/jobs/{post(system, 'retrain/jobs', **body)['id']}"
    job = until(lambda: (found := get(system, path))["finished_at"] and found, what="the end of the job")
    assert job["state"] == "succeeded", job
    return job


def predict(system: System, session: requests.Session, body: dict[str, Any]) -> tuple[str, Any]:
    """Sends a prediction; returns the inference id and the answer."""
    response = session.post(f"{system.url}/ml/v1/predict/", json=body, timeout=60)
    assert response.status_code == 200, response.text
    return response.headers["X-Inference-ID"], response.json()


@pytest.mark.parametrize("model", ["breast-cancer-wisconsin", "handwritten-digits"])
def test_a_corrected_label_once_retrained_changes_the_answer_and_the_lineage_says_why(
    system: System, model: str
) -> None:
    body = {
        "doctor_name": "Dr. Yoon (synthetic)",
        "patient_name": "Lee (synthetic)",
        **model_info(system, model)["example"],
    }
    with requests.Session() as session:
        inference_id, before = predict(system, session, body)
        wrong, right = (prediction["label"] for prediction in before["predictions"][:2])
        feedback = f"history/{inference_id}/feedback"
        until(lambda: post(system, feedback, verdict="correct", label=right), what="the row")
        job = retrained(system, model=model, verdicts=True)
        _, after = predict(system, session, body)
    assert job["result"]["verdicts"] == {"handed_over": 1, "left_out": 0}
    assert job["result"]["promoted"], job
    assert (before["model"]["version"], after["model"]) == ("1", job["result"]["model"])
    assert (wrong, after["predictions"][0]["label"]) == (before["predictions"][0]["label"], right)
    lineage = model_info(system, model)["lineage"]
    assert lineage["parent"] == "1"
    assert lineage["examples"]["trained_on"] == [{"inference_id": inference_id, "label": right}]
    assert "synthetic" not in json.dumps(lineage) + json.dumps(job)


def test_no_answer_fails_while_a_retrain_promotes_and_each_row_has_the_version_that_answered(system: System) -> None:
    example, doctor = model_info(system, "breast-cancer-wisconsin")["example"], "Dr. Han (synthetic)"
    enough, old, new = threading.Event(), get(system, "model-info")["version"], ""

    def call(patient: int) -> list[tuple[str, str]]:
        answers = []
        with requests.Session() as session:
            while not enough.is_set():
                body = {"doctor_name": doctor, "patient_name": f"Patient {patient} (synthetic)", **example}
                inference_id, answer = predict(system, session, body)
                answers.append((inference_id, answer["model"]["version"]))
        return answers

    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(call, number) for number in range(CALLERS)]
        try:
            params = {"min_seconds": 1, "seed": 3, "promote": "always"}
            new = retrained(system, params=params, verdicts=True)["result"]["model"]["version"]
            until(lambda: answered_by(system, new) >= AFTERWARDS, what="answers of the new version")
        finally:
            enough.set()
        each = [caller.result() for caller in callers]
    for answers in each:
        versions = [version for _, version in answers]
        assert versions == sorted(versions, key=[old, new].index), "one version after the other"
        assert set(versions) == {old, new}
    answered = {inference_id: version for answers in each for inference_id, version in answers}
    assert len(answered) == sum(map(len, each))
    until(lambda: logged(system, doctor).keys() >= answered.keys(), what="every answer's row")
    assert logged(system, doctor) == answered


def answered_by(system: System, version: str) -> int:
    """Counts rows of this version among the newest hundred."""
    return sum(row["model_version"] == version for row in system.history(limit="100").json())


def logged(system: System, doctor: str) -> Answers:
    """The version of each row."""
    found: Answers = {}
    page = system.history(doctor=doctor, limit="1000")
    while True:
        found |= {row["id"]: row["model_version"] for row in page.json()}
        if "next" not in page.links:
            return found
        page = requests.get(page.links["next"]["url"], timeout=60)
