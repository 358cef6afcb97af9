"""Labeled examples: a prediction changes, the lineage shows why, and the model gets no worse otherwise."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from ml_server.app import create_app
from ml_server.dataset import Dataset, LabeledExamples, split_dataset
from ml_server.examples import MAX_EXAMPLES, MAX_LISTED
from ml_server.params import Params
from ml_server.recipes import DEFAULT_MODEL
from ml_server.recipes.breast_cancer import BreastCancer
from tests.ml_server.unit.helpers import trained_with

PREDICT, RETRAIN, INFO = "/api/v1/predict", "/api/v1/retrain", "/api/v1/model-info"
POSITIONS = {DEFAULT_MODEL: 0, "handwritten-digits": 1}


@pytest.fixture
def served(tmp_path: Path) -> FlaskClient:
    """A server with its own models."""
    return create_app(tmp_path).test_client()


def metadata(served: FlaskClient, model: str = DEFAULT_MODEL) -> Any:
    return served.get(INFO).get_json()["models"][POSITIONS[model]]


def labels(served: FlaskClient, body: Any) -> list[str]:
    return [each["label"] for each in served.post(PREDICT, json=body).get_json()["predictions"]]


def line(inference_id: str, body: Any, label: str | None) -> dict[str, Any]:
    """A line of the gateway's dataset."""
    return {"inference_id": inference_id, "input": body, "label": label, "verdict": "correct", "model_version": "1"}


def body_of(dataset: Dataset, row: Any) -> dict[str, Any]:
    return {"features": dict(zip(dataset.features, row.tolist(), strict=True))}


@pytest.mark.parametrize("model", POSITIONS)
def test_a_correction_changes_the_prediction_and_the_lineage_names_the_inference(
    served: FlaskClient, model: str
) -> None:
    example = metadata(served, model)["example"]
    said, right, *_ = labels(served, example)
    answer = served.post(RETRAIN, json={"model": model, "examples": [line("i-1", example, right)]}).get_json()
    assert answer["promoted"], answer
    assert labels(served, example)[0] == right != said
    summary = {"used": 1, "inherited": 0, "left_out": 0, "reasons": {}, "learned": 1, "holdout_removed": 1}
    assert answer["examples"] == summary
    lineage = metadata(served, model)["lineage"]
    digest = lineage["examples"].pop("sha256")
    assert len(digest) == 64
    assert lineage["examples"] == summary | {"trained_on": [{"inference_id": "i-1", "label": right}]}
    assert answer["metrics"]["n_holdout"] == answer["compared"]["rows"]


def test_the_result_has_no_examples_if_there_are_none(served: FlaskClient) -> None:
    answer = served.post(RETRAIN, json={"examples": []}).get_json()
    assert "examples" not in answer
    assert "examples" not in metadata(served)["lineage"]


def test_a_later_comparison_excludes_the_examples_of_this_version(served: FlaskClient) -> None:
    example = metadata(served)["example"]
    corrected = served.post(RETRAIN, json={"examples": [line("i-1", example, "malignant")]}).get_json()
    plain = served.post(RETRAIN, json={"params": {"forget_feedback": True}}).get_json()
    assert (corrected["metrics"]["n_holdout"], plain["metrics"]["n_holdout"]) == (142, 143)
    assert (corrected["compared"]["rows"], plain["compared"]["rows"]) == (142, 142)


def test_it_leaves_out_unusable_examples_and_counts_the_reasons(served: FlaskClient, dataset: Dataset) -> None:
    good = body_of(dataset, dataset.rows[0] * 1.01)
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
        line("later", good | {"model": DEFAULT_MODEL, "note": "ignored"}, "malignant"),
    ]
    answer = served.post(RETRAIN, json={"examples": examples, "params": {"promote": "always"}}).get_json()
    assert answer["examples"] == {
        "used": 1,
        "inherited": 0,
        "left_out": 9,
        "reasons": {
            "its inference_id, input or label is missing or invalid": 3,
            "it has no label": 1,
            "its label is not one of the model's classes": 1,
            "its input is for another model": 1,
            "a field of its input is missing": 1,
            "a field of its input must be 1000000 or less": 1,
            "a later example has the same input": 1,
        },
        "learned": 1,
        "holdout_removed": 0,
    }
    assert metadata(served)["lineage"]["examples"]["trained_on"] == [{"inference_id": "later", "label": "malignant"}]


@pytest.mark.parametrize(
    ("examples", "detail"),
    [
        ("all", "must be of type array"),
        ([line("i-1", {}, None)] * 2, "must hold at least one usable example: it has no label (2)"),
        ([7] * (MAX_EXAMPLES + 1), f"must hold at most {MAX_EXAMPLES}"),
    ],
)
def test_it_rejects_examples_if_none_is_usable(client: FlaskClient, examples: Any, detail: str) -> None:
    answer = client.post(RETRAIN, json={"examples": examples})
    assert (answer.status_code, answer.get_json()["fields"]) == (422, [{"field": "examples", "detail": detail}])


def test_the_lineage_lists_the_last_examples_and_the_metadata_file_all(
    served: FlaskClient, tmp_path: Path, dataset: Dataset
) -> None:
    classes = [dataset.classes[label] for label in dataset.labels]
    examples = [
        line(str(place), body_of(dataset, row * 1.001), label)
        for place, (row, label) in enumerate(zip(dataset.rows[:120], classes, strict=False))
    ]
    answer = served.post(RETRAIN, json={"examples": examples, "params": {"promote": "always"}}).get_json()
    assert answer["examples"]["used"] == 120
    trained_on = metadata(served)["lineage"]["examples"]["trained_on"]
    assert [each["inference_id"] for each in trained_on] == [str(place) for place in range(120 - MAX_LISTED, 120)]
    assert '"inference_id": "0"' in (tmp_path / DEFAULT_MODEL / "2" / "metadata.json").read_text()


def test_a_repeated_key_returns_the_first_result_but_not_for_other_examples(served: FlaskClient) -> None:
    example, key = metadata(served)["example"], {"Idempotency-Key": "a-key"}
    body = {"examples": [line("i-1", example, "malignant")]}
    first = served.post(RETRAIN, json=body, headers=key).get_json()
    assert served.post(RETRAIN, json=body, headers=key).get_json() == first
    other = served.post(RETRAIN, json={"examples": [line("i-2", example, "malignant")]}, headers=key)
    assert other.status_code == 422
    assert metadata(served)["version"] == "2"


def with_wrong_labels(dataset: Dataset, places: Any) -> Dataset:
    """Adds examples with the other class for these rows."""
    return replace(dataset, labeled_examples=LabeledExamples(dataset.rows[places], 1 - dataset.labels[places]))


def test_examples_are_in_the_digest_and_not_in_the_hold_out_and_training_is_reproducible(dataset: Dataset) -> None:
    held = split_dataset(dataset, test_size=0.25, seed=7).holdout_rows[:3]
    places = [int(np.flatnonzero((dataset.rows == row).all(axis=1))[0]) for row in held]
    changed = with_wrong_labels(dataset, places)
    assert changed.sha256 != dataset.sha256
    split = split_dataset(changed, test_size=0.25, seed=7)
    assert (split.holdout_removed, len(split.holdout_rows), len(split.train_rows)) == (3, 140, 426)
    one, same = (trained_with(BreastCancer(), changed, Params()) for _ in range(2))
    assert one.onnx == same.onnx
    assert one.split.holdout_removed == 3


def test_many_examples_that_contradict_the_dataset_do_not_outweigh_it(dataset: Dataset) -> None:
    """Otherwise many wrong corrections of one class would make the rest of the dataset irrelevant."""
    wrong = trained_with(BreastCancer(), with_wrong_labels(dataset, np.arange(60)), Params())
    assert wrong.learned < 30
    assert wrong.metrics["n_train"] <= (426 + 60) * 1.25


def test_a_version_trained_on_many_wrong_corrections_is_not_promoted(served: FlaskClient, dataset: Dataset) -> None:
    other = [dataset.classes[1 - label] for label in dataset.labels[:60]]
    examples = [
        line(str(place), body_of(dataset, row), label)
        for place, (row, label) in enumerate(zip(dataset.rows[:60], other, strict=True))
    ]
    answer = served.post(RETRAIN, json={"examples": examples}).get_json()
    assert not answer["promoted"], answer
    assert answer["reason"].startswith("worse than version 1 by ")
    assert metadata(served)["version"] == "1"
