from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml_server.change_plan import DEFAULT, ChangePlan, MetricLimit, read_plan
from ml_server.dataset import Dataset, row_digests
from ml_server.feedback_outcome import FeedbackOutcome
from ml_server.handlers import handler_factories
from ml_server.model_metadata import build_metadata
from ml_server.model_version import ModelVersion
from ml_server.params import Params
from ml_server.promotion import Candidate, PromotionDecision, decide_promotion, is_significant_loss
from ml_server.recipes import DEFAULT_MODEL
from ml_server.recipes.breast_cancer import BreastCancer
from ml_server.service import SHIPPED_MODELS
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


ANY_FALL = ChangePlan(metrics={"accuracy": MetricLimit(largest_fall=1)})  # leaves the decision to the tests
ONE_LEARNED = FeedbackOutcome(learned=({"inference_id": "i-1", "label": "benign", "predicted": "benign"},))


def decide(
    result: TrainingResult,
    serving: ModelVersion | None,
    plan: ChangePlan = ANY_FALL,
    *,
    params: Params = Params(),  # noqa: B008 - frozen
    **known: Any,
) -> PromotionDecision:
    candidate = Candidate(BreastCancer(), ("malignant", "benign"), params, result)
    return decide_promotion(replace(candidate, **known), serving, plan)


def test_it_promotes_the_first_version_and_an_equal_one(trained: TrainingResult, serving: ModelVersion) -> None:
    assert decide(trained, None).promoted
    found = decide(trained, serving)
    accuracy = trained.metrics["accuracy"]
    assert (found.promoted, found.reason, found.objections) == (True, "not worse than version 1", ())
    assert found.compared == {
        "with": "1",
        "rows": 143,
        "accuracy": accuracy,
        "accuracy_in_service": accuracy,
        "metrics": {"accuracy": {"new": accuracy, "in_service": accuracy}},
    }


def test_it_rejects_a_version_that_gets_fewer_rows_right(trained: TrainingResult, serving: ModelVersion) -> None:
    found = decide(wrong_on(trained, [0, 1]), serving)
    assert (found.promoted, found.reason) == (False, "worse than version 1 by 2 of 143 rows")
    assert found.objections == (found.reason,)


def test_it_rejects_a_significant_loss_in_one_class_however_good_the_others_are(dataset: Dataset) -> None:
    weak = trained_with(BreastCancer(), dataset, Params(C=1e-4))  # predicts malignant for nearly all rows
    truth = weak.split.holdout_labels
    perfect, malignant = replace(weak, probabilities=np.eye(2, dtype=np.float32)[truth]), np.flatnonzero(truth == 0)
    by_chance, worse = wrong_on(perfect, malignant[:4].tolist()), wrong_on(perfect, malignant[:5].tolist())
    assert decide(by_chance, model_of(dataset, weak)).promoted
    found = decide(worse, model_of(dataset, weak))
    assert (found.promoted, found.reason) == (False, "worse than version 1 by 5 of 53 rows of class malignant")


@pytest.mark.parametrize(
    ("lost", "won", "is_significant"), [(4, 0, False), (5, 0, True), (6, 1, False), (7, 1, True), (0, 5, False)]
)
def test_it_computes_mcnemars_exact_test(lost: int, won: int, is_significant: bool) -> None:
    assert is_significant_loss(lost, won) == is_significant


@pytest.mark.parametrize(("lost", "learns", "promoted"), [(2, True, True), (9, True, False), (2, False, False)])
def test_a_version_that_fixes_a_mistake_may_lose_rows_by_chance(
    trained: TrainingResult, serving: ModelVersion, lost: int, learns: bool, promoted: bool
) -> None:
    other = wrong_on(trained, list(range(lost)))
    found = decide(other, serving, feedback=ONE_LEARNED if learns else FeedbackOutcome())
    assert (found.promoted, "fixes mistakes" in found.reason) == (promoted, promoted)


def right_rows(trained: TrainingResult, label: int) -> list[int]:
    """The hold-out rows of one class that `trained` gets right."""
    truth = trained.split.holdout_labels
    return [int(row) for row in np.flatnonzero((truth == label) & (trained.probabilities.argmax(axis=1) == truth))]


def test_case_24_a_fall_beyond_the_change_plan_waits_although_a_verdict_is_learned(
    trained: TrainingResult, serving: ModelVersion
) -> None:
    """Accuracy fell from 0.972 to 0.958 and specificity from 0.989 to 0.955, which no test calls significant."""
    plan = read_plan(SHIPPED_MODELS / DEFAULT_MODEL)
    assert plan
    three = wrong_on(trained, right_rows(trained, 1)[:3])
    assert decide(three, serving, feedback=ONE_LEARNED).promoted  # without the plan
    found = decide(three, serving, plan, feedback=ONE_LEARNED)
    assert not found.promoted
    assert [each.split(" falls")[0] for each in found.objections] == ["accuracy", "specificity"]
    assert found.reason == "; ".join(found.objections)


def test_any_fall_in_a_critical_class_waits(trained: TrainingResult, serving: ModelVersion) -> None:
    one = wrong_on(trained, right_rows(trained, 0)[:1])
    assert decide(one, serving, feedback=ONE_LEARNED).promoted
    found = decide(one, serving, replace(ANY_FALL, critical_classes=("malignant",)), feedback=ONE_LEARNED)
    expected = "worse than version 1 by 1 of 53 rows of class malignant, which is critical"
    assert (found.promoted, found.objections) == (False, (expected,))
    other = wrong_on(trained, right_rows(trained, 1)[:1])
    assert decide(other, serving, replace(ANY_FALL, critical_classes=("malignant",)), feedback=ONE_LEARNED).promoted


UNLEARNED = FeedbackOutcome(unlearned=({"inference_id": "i-1", "label": "malignant", "predicted": "benign"},))


def test_a_version_that_would_unlearn_a_verdict_waits_unless_told_to_forget(
    trained: TrainingResult, serving: ModelVersion
) -> None:
    found = decide(trained, serving, feedback=UNLEARNED)
    expected = "it would unlearn 1 verdict of doctors, which feedback.unlearned lists"
    assert (found.promoted, found.objections) == (False, (expected,))
    assert decide(trained, serving, feedback=UNLEARNED, params=Params(forget_feedback=True)).promoted


@pytest.mark.parametrize(
    ("plan", "known", "objection"),
    [
        (
            ChangePlan(metrics={"accuracy": MetricLimit(floor=0.99)}),
            {},
            "accuracy is 0.972028; the change plan's floor is 0.99",
        ),
        (
            ChangePlan(metrics={"no such": MetricLimit()}),
            {},
            "no such falls from nan to nan; the change plan allows no fall",
        ),
        (
            replace(DEFAULT, largest_new_share=0.01),
            {"new_examples": 5},
            "5 examples are new, 1.2% of the training rows; the change plan allows 1.0%",
        ),
        (
            replace(DEFAULT, max_promotions=2, period_days=7),
            {"automatic": 2},
            "2 versions were promoted automatically within 7 days; the change plan allows 2",
        ),
    ],
)
def test_what_exceeds_the_change_plan_waits(
    trained: TrainingResult, serving: ModelVersion, plan: ChangePlan, known: dict[str, Any], objection: str
) -> None:
    found = decide(trained, serving, plan, **known)
    assert not found.promoted
    assert objection in found.objections


@pytest.mark.parametrize(("promote", "promoted"), [("always", True), ("never", False)])
def test_promote_overrides_the_comparison_but_the_objections_are_reported(
    trained: TrainingResult, serving: ModelVersion, promote: str, promoted: bool
) -> None:
    found = decide(wrong_on(trained, [0]), serving, params=Params(promote=promote))
    assert (found.promoted, found.reason) == (promoted, f"promote is {promote}")
    assert found.objections == ("worse than version 1 by 1 of 143 rows",)
    assert found.compared
    assert found.compared["accuracy"] < found.compared["accuracy_in_service"]


def test_it_compares_rows_that_neither_version_was_trained_on(dataset: Dataset, serving: ModelVersion) -> None:
    other = trained_with(BreastCancer(), dataset, Params(seed=3))
    found = decide(other, serving)
    assert serving.train_digests
    unseen = [row for row in row_digests(other.split.holdout_rows) if row not in serving.train_digests]
    assert found.compared
    assert 20 <= found.compared["rows"] == len(unseen) < 143
    assert len(set(row_digests(dataset.rows)) - serving.train_digests) == 143


def test_it_keeps_the_serving_version_if_the_comparison_is_inconclusive(
    dataset: Dataset, trained: TrainingResult, serving: ModelVersion
) -> None:
    few = trained_with(BreastCancer(), dataset, Params(seed=3, test_size=0.1))
    assert decide(few, serving).reason == "only 15 hold-out rows are new to version 1, and 20 are needed"
    other = decide(trained, serving, classes=("yes", "no"))
    assert (other.promoted, other.reason) == (False, "version 1 has other classes")


def test_it_keeps_a_serving_version_with_unknown_training_rows(dataset: Dataset, trained: TrainingResult) -> None:
    metadata = build_metadata(BreastCancer(), "1", dataset=dataset, params=Params(), result=trained, parent=None)
    del metadata["seen"]
    found = decide(trained, ModelVersion(trained.onnx, metadata, handler_factories()))
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
