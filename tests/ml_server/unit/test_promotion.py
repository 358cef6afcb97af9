from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml_server.dataset import Dataset, LabeledExamples, row_digests
from ml_server.handlers import handler_factories
from ml_server.model_metadata import build_metadata
from ml_server.model_version import ModelVersion
from ml_server.params import Params
from ml_server.promotion import decide_promotion, is_significant_loss
from ml_server.recipes import DEFAULT_MODEL
from ml_server.recipes.breast_cancer import BreastCancer
from ml_server.train import TrainingResult
from ml_server.training_request import TrainingRequest
from tests.ml_server.unit.helpers import trained_with
from tests.ml_server.unit.test_trainer import registry_at, result_of, trainer_at


def model_of(dataset: Dataset, trained: TrainingResult) -> ModelVersion:
    metadata = build_metadata(BreastCancer(), "1", dataset=dataset, params=Params(), result=trained, parent=None)
    return ModelVersion(trained.onnx, metadata, handler_factories())


@pytest.fixture(scope="module")
def serving(dataset: Dataset, trained: TrainingResult) -> ModelVersion:
    return model_of(dataset, trained)


def wrong_on(trained: TrainingResult, rows: list[int]) -> TrainingResult:
    """`trained` with swapped probabilities for these rows of the hold-out."""
    probabilities = trained.probabilities.copy()
    probabilities[rows] = probabilities[rows][:, ::-1]
    return replace(trained, probabilities=probabilities)


def test_it_promotes_the_first_version_and_an_equal_one(
    dataset: Dataset, trained: TrainingResult, serving: ModelVersion
) -> None:
    assert decide_promotion(trained, None, dataset.classes, "unless_worse").promoted
    found = decide_promotion(trained, serving, dataset.classes, "unless_worse")
    accuracy = trained.metrics["accuracy"]
    assert (found.promoted, found.reason) == (True, "not worse than version 1")
    assert found.compared == {"with": "1", "rows": 143, "accuracy": accuracy, "accuracy_in_service": accuracy}


def test_it_rejects_a_version_that_gets_fewer_rows_right(
    dataset: Dataset, trained: TrainingResult, serving: ModelVersion
) -> None:
    found = decide_promotion(wrong_on(trained, [0, 1]), serving, dataset.classes, "unless_worse")
    assert (found.promoted, found.reason) == (False, "worse than version 1 by 2 of 143 rows")


def test_it_rejects_a_significant_loss_in_one_class_however_good_the_others_are(dataset: Dataset) -> None:
    weak = trained_with(BreastCancer(), dataset, Params(C=1e-4))  # predicts malignant for nearly all rows
    truth = weak.split.holdout_labels
    perfect, malignant = replace(weak, probabilities=np.eye(2, dtype=np.float32)[truth]), np.flatnonzero(truth == 0)
    by_chance, worse = wrong_on(perfect, malignant[:4].tolist()), wrong_on(perfect, malignant[:5].tolist())
    assert decide_promotion(by_chance, model_of(dataset, weak), dataset.classes, "unless_worse").promoted
    found = decide_promotion(worse, model_of(dataset, weak), dataset.classes, "unless_worse")
    assert (found.promoted, found.reason) == (False, "worse than version 1 by 5 of 53 rows of class malignant")


@pytest.mark.parametrize(
    ("lost", "won", "is_significant"), [(4, 0, False), (5, 0, True), (6, 1, False), (7, 1, True), (0, 5, False)]
)
def test_it_computes_mcnemars_exact_test(lost: int, won: int, is_significant: bool) -> None:
    assert is_significant_loss(lost, won) == is_significant


@pytest.mark.parametrize(("lost", "learned", "promoted"), [(2, 1, True), (5, 1, False), (2, 0, False), (0, 0, True)])
def test_a_version_that_fixes_a_mistake_may_lose_rows_by_chance(
    trained: TrainingResult, serving: ModelVersion, lost: int, learned: int, promoted: bool
) -> None:
    row = trained.split.train_rows[:1]
    example = LabeledExamples(row, serving.handler.predict(row).argmin(axis=1))
    other = replace(wrong_on(trained, list(range(lost))), labeled_examples=example, learned=learned)
    found = decide_promotion(other, serving, tuple(serving.metadata["classes"]), "unless_worse")
    assert (found.promoted, "fixes mistakes" in found.reason) == (promoted, promoted and learned == 1)


@pytest.mark.parametrize(("promote", "promoted"), [("always", True), ("never", False)])
def test_promote_overrides_the_comparison_but_the_figures_are_reported(
    dataset: Dataset,
    trained: TrainingResult,
    serving: ModelVersion,
    promote: str,
    promoted: bool,
) -> None:
    found = decide_promotion(wrong_on(trained, [0]), serving, dataset.classes, promote)
    assert (found.promoted, found.reason) == (promoted, f"promote is {promote}")
    assert found.compared
    assert found.compared["accuracy"] < found.compared["accuracy_in_service"]


def test_it_compares_rows_that_neither_version_was_trained_on(dataset: Dataset, serving: ModelVersion) -> None:
    other = trained_with(BreastCancer(), dataset, Params(seed=3))
    found = decide_promotion(other, serving, dataset.classes, "unless_worse")
    assert serving.train_digests
    unseen = [row for row in row_digests(other.split.holdout_rows) if row not in serving.train_digests]
    assert found.compared
    assert 20 <= found.compared["rows"] == len(unseen) < 143
    assert len(set(row_digests(dataset.rows)) - serving.train_digests) == 143


def test_it_keeps_the_serving_version_if_the_comparison_is_inconclusive(
    dataset: Dataset, trained: TrainingResult, serving: ModelVersion
) -> None:
    few = trained_with(BreastCancer(), dataset, Params(seed=3, test_size=0.1))
    assert (
        decide_promotion(few, serving, dataset.classes, "unless_worse").reason
        == "only 15 hold-out rows are new to version 1, and 20 are needed"
    )
    other = decide_promotion(trained, serving, ("yes", "no"), "unless_worse")
    assert (other.promoted, other.reason) == (False, "version 1 has other classes")


def test_it_keeps_a_serving_version_with_unknown_training_rows(dataset: Dataset, trained: TrainingResult) -> None:
    metadata = build_metadata(BreastCancer(), "1", dataset=dataset, params=Params(), result=trained, parent=None)
    del metadata["seen"]
    found = decide_promotion(
        trained, ModelVersion(trained.onnx, metadata, handler_factories()), dataset.classes, "unless_worse"
    )
    assert (found.promoted, found.reason) == (False, "the training rows of version 1 are unknown")


def test_a_worse_version_is_stored_and_promoted_only_on_request(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path)
    result_of(trainer, TrainingRequest.from_body({}))
    worse = result_of(trainer, TrainingRequest.from_body({"params": {"C": 1e-4}}, "a key"))
    assert worse["model"] == {"name": DEFAULT_MODEL, "version": "2"}
    assert (worse["promoted"], worse["parent"]) == (False, "1")
    assert worse["reason"].startswith("worse than version 1 by ")
    assert worse["compared"]["accuracy"] < worse["compared"]["accuracy_in_service"]
    assert registry_at(tmp_path).version_for({}).version == "1"
    assert result_of(trainer_at(tmp_path), TrainingRequest.from_body({"params": {"C": 1e-4}}, "a key")) == worse
    again = result_of(trainer_at(tmp_path), TrainingRequest.from_body({"params": {"C": 1e-4, "promote": "always"}}))
    assert (again["promoted"], registry_at(tmp_path).version_for({}).version) == (True, "3")
