"""Judged inferences teach: an answer changes, the version says why, and nothing else gets worse for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from ml_server.app import create_app
from ml_server.courses import DEFAULT
from ml_server.courses.biopsies import Biopsies
from ml_server.dataset import DataSet, Lessons, split
from ml_server.examples import MOST_EXAMPLES, MOST_SHOWN
from ml_server.params import Params
from tests.ml_server.unit.steps import trained_with

PREDICT, RETRAIN, INFO = "/api/v1/predict", "/api/v1/retrain", "/api/v1/model-info"
PLACES = {DEFAULT: 0, "handwritten-digits": 1}


@pytest.fixture
def served(tmp_path: Path) -> FlaskClient:
    """A server of the test's own."""
    return create_app(tmp_path).test_client()


def card(served: FlaskClient, model: str = DEFAULT) -> Any:
    return served.get(INFO).get_json()["models"][PLACES[model]]


def labels(served: FlaskClient, body: Any) -> list[str]:
    return [each["label"] for each in served.post(PREDICT, json=body).get_json()["predictions"]]


def line(inference_id: str, given: Any, label: str | None) -> dict[str, Any]:
    """As a gateway's data set has it."""
    return {"inference_id": inference_id, "input": given, "label": label, "verdict": "correct", "model_version": "1"}


def body_of(data: DataSet, row: Any) -> dict[str, Any]:
    return {"features": dict(zip(data.features, row.tolist(), strict=True))}


@pytest.mark.parametrize("model", PLACES)
def test_it_answers_as_it_was_corrected_and_tells_which_inference_taught_it(served: FlaskClient, model: str) -> None:
    example = card(served, model)["example"]
    said, right, *_ = labels(served, example)
    answer = served.post(RETRAIN, json={"model": model, "examples": [line("i-1", example, right)]}).get_json()
    assert answer["promoted"], answer
    assert labels(served, example)[0] == right != said
    told = {"used": 1, "left_out": 0, "reasons": {}, "learned": 1, "holdout_given_up": 1}
    assert answer["examples"] == told
    lineage = card(served, model)["lineage"]
    digest = lineage["examples"].pop("sha256")
    assert len(digest) == 64
    assert lineage["examples"] == told | {"taught": [{"inference_id": "i-1", "label": right}]}
    assert answer["metrics"]["n_holdout"] == answer["compared"]["rows"]


def test_it_says_nothing_of_examples_where_there_are_none(served: FlaskClient) -> None:
    answer = served.post(RETRAIN, json={"examples": []}).get_json()
    assert "examples" not in answer
    assert "examples" not in card(served)["lineage"]


def test_it_compares_no_later_version_on_what_this_one_was_taught(served: FlaskClient) -> None:
    example = card(served)["example"]
    taught = served.post(RETRAIN, json={"examples": [line("i-1", example, "malignant")]}).get_json()
    plain = served.post(RETRAIN, json={}).get_json()
    assert (taught["metrics"]["n_holdout"], plain["metrics"]["n_holdout"]) == (142, 143)
    assert (taught["compared"]["rows"], plain["compared"]["rows"]) == (142, 142)


def test_it_leaves_out_what_it_can_not_use_and_says_why(served: FlaskClient, data: DataSet) -> None:
    good = body_of(data, data.rows[0] * 1.01)
    examples = [
        line("no label", good, None),
        line("other class", good, "doubtful"),
        line("other model", good | {"model": "handwritten-digits"}, "benign"),
        line("no features", {"x": 1}, "benign"),
        line("too large", {"features": good["features"] | {"mean_radius": 1e9}}, "benign"),
        line("x" * 101, good, "benign"),
        line("earlier", good, "benign"),
        7,
        {"input": good, "label": "benign"},
        line("later", good | {"model": DEFAULT, "note": "what a model need not know"}, "malignant"),
    ]
    answer = served.post(RETRAIN, json={"examples": examples, "params": {"promote": "always"}}).get_json()
    assert answer["examples"] == {
        "used": 1,
        "left_out": 9,
        "reasons": {
            "it lacks an inference_id, an input or a label that can be used": 3,
            "it has no label": 1,
            "its label is none of the model's classes": 1,
            "its input is for another model": 1,
            "a field of its input is missing": 1,
            "a field of its input must be 1000000 or less": 1,
            "a later one is of the same input": 1,
        },
        "learned": 1,
        "holdout_given_up": 0,
    }
    assert card(served)["lineage"]["examples"]["taught"] == [{"inference_id": "later", "label": "malignant"}]


@pytest.mark.parametrize(
    ("examples", "detail"),
    [
        ("all", "must be of type array"),
        ([line("i-1", {}, None)] * 2, "hold none that can be used: it has no label (2)"),
        ([7] * (MOST_EXAMPLES + 1), f"must be {MOST_EXAMPLES} at most"),
    ],
)
def test_it_refuses_examples_of_which_none_can_be_used(client: FlaskClient, examples: Any, detail: str) -> None:
    answer = client.post(RETRAIN, json={"examples": examples})
    assert (answer.status_code, answer.get_json()["fields"]) == (422, [{"field": "examples", "detail": detail}])


def test_it_shows_the_last_of_many_and_keeps_all(served: FlaskClient, tmp_path: Path, data: DataSet) -> None:
    classes = [data.classes[label] for label in data.labels]
    examples = [
        line(str(place), body_of(data, row * 1.001), label)
        for place, (row, label) in enumerate(zip(data.rows[:120], classes, strict=False))
    ]
    answer = served.post(RETRAIN, json={"examples": examples, "params": {"promote": "always"}}).get_json()
    assert answer["examples"]["used"] == 120
    taught = card(served)["lineage"]["examples"]["taught"]
    assert [each["inference_id"] for each in taught] == [str(place) for place in range(120 - MOST_SHOWN, 120)]
    assert '"inference_id": "0"' in (tmp_path / DEFAULT / "2" / "metadata.json").read_text()


def test_it_answers_a_repeated_key_again_but_not_with_other_examples(served: FlaskClient) -> None:
    example, key = card(served)["example"], {"Idempotency-Key": "a-key"}
    body = {"examples": [line("i-1", example, "malignant")]}
    first = served.post(RETRAIN, json=body, headers=key).get_json()
    assert served.post(RETRAIN, json=body, headers=key).get_json() == first
    other = served.post(RETRAIN, json={"examples": [line("i-2", example, "malignant")]}, headers=key)
    assert other.status_code == 422
    assert card(served)["version"] == "2"


def taught(data: DataSet, places: Any) -> DataSet:
    """The other class for these rows."""
    return replace(data, lessons=Lessons(data.rows[places], 1 - data.labels[places]))


def test_a_lesson_is_in_the_hash_and_in_no_hold_out_and_the_model_is_the_same_each_time(data: DataSet) -> None:
    held = split(data, test_size=0.25, seed=7).holdout_rows[:3]
    places = [int(np.flatnonzero((data.rows == row).all(axis=1))[0]) for row in held]
    lessons = taught(data, places)
    assert lessons.sha256 != data.sha256
    parts = split(lessons, test_size=0.25, seed=7)
    assert (parts.given_up, len(parts.holdout_rows), len(parts.train_rows)) == (3, 140, 426)
    one, same = (trained_with(Biopsies(), lessons, Params()) for _ in range(2))
    assert one.onnx == same.onnx
    assert one.split.given_up == 3


def test_many_lessons_that_contradict_the_data_are_not_shouted(data: DataSet) -> None:
    """Else the more of a class were called the other way by mistake, the less the rest of the data would count."""
    wrong = trained_with(Biopsies(), taught(data, np.arange(60)), Params())
    assert wrong.learned < 30
    assert wrong.metrics["n_train"] <= (426 + 60) * 1.25


def test_many_corrections_that_are_wrong_do_not_come_into_service(served: FlaskClient, data: DataSet) -> None:
    other = [data.classes[1 - label] for label in data.labels[:60]]
    examples = [
        line(str(place), body_of(data, row), label)
        for place, (row, label) in enumerate(zip(data.rows[:60], other, strict=True))
    ]
    answer = served.post(RETRAIN, json={"examples": examples}).get_json()
    assert not answer["promoted"], answer
    assert answer["reason"].startswith("worse than version 1 by ")
    assert card(served)["version"] == "1"
