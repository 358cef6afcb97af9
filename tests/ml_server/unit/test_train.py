from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from ml_server.dataset import Dataset, split_dataset
from ml_server.exceptions import ServerStopping
from ml_server.onnx_session import OnnxSession
from ml_server.params import Params
from ml_server.progress import ProgressTracker
from ml_server.recipes.breast_cancer import BreastCancer
from ml_server.train import TrainingResult, train_model
from tests.ml_server.unit.helpers import trained_with

TOLERANCE = 1e-5  # of a probability: the ONNX model uses 32-bit floats, scikit-learn 64-bit floats


def test_the_onnx_model_predicts_like_scikit_learn_on_the_hold_out(trained: TrainingResult) -> None:
    rows = trained.split.holdout_rows
    ours, theirs = OnnxSession(trained.onnx).probabilities(rows), trained.estimator.predict_proba(rows)
    assert ours.shape == theirs.shape == (143, 2)
    assert np.abs(ours - theirs).max() < TOLERANCE
    assert (ours.argmax(axis=1) == trained.estimator.predict(rows)).all()


@pytest.mark.parametrize("seed", [7, 1, 2, 3])
def test_it_is_accurate_on_the_hold_out(dataset: Dataset, seed: int) -> None:
    metrics = trained_with(BreastCancer(), dataset, Params(seed=seed)).metrics
    assert metrics["accuracy"] >= 0.95
    assert metrics["roc_auc"] >= 0.98
    assert min(metrics["sensitivity"], metrics["specificity"]) >= 0.90


def test_the_split_is_stratified_by_class(dataset: Dataset) -> None:
    parts = split_dataset(dataset, test_size=0.25, seed=7)
    seen, held = {row.tobytes() for row in parts.train_rows}, {row.tobytes() for row in parts.holdout_rows}
    assert (len(parts.train_rows), len(parts.holdout_rows)) == (426, 143)
    assert not seen & held
    assert abs(parts.train_labels.mean() - parts.holdout_labels.mean()) < 0.01


def test_a_row_stays_on_its_side_if_rows_are_added_or_labels_corrected(dataset: Dataset) -> None:
    few = replace(dataset, rows=dataset.rows[:500], labels=1 - dataset.labels[:500])
    wide, narrow = (split_dataset(dataset, test_size=share, seed=7) for share in (0.25, 0.1))
    held, before = {row.tobytes() for row in wide.holdout_rows}, split_dataset(few, test_size=0.25, seed=7).holdout_rows
    assert {row.tobytes() for row in narrow.holdout_rows} <= held
    assert sum(row.tobytes() in held for row in before) > 0.9 * len(before)
    twice = replace(
        dataset, rows=np.vstack([dataset.rows, dataset.rows]), labels=np.hstack([dataset.labels, dataset.labels])
    )
    doubled = split_dataset(twice, test_size=0.25, seed=7)
    assert not {row.tobytes() for row in doubled.train_rows} & {row.tobytes() for row in doubled.holdout_rows}


def test_the_metrics_are_those_of_the_hold_out(trained: TrainingResult) -> None:
    found, truth = trained.estimator.predict(trained.split.holdout_rows), trained.split.holdout_labels
    malignant = truth == 0
    assert trained.metrics["accuracy"] == pytest.approx((found == truth).mean(), abs=1e-6)
    assert trained.metrics["sensitivity"] == pytest.approx((found[malignant] == 0).mean(), abs=1e-6)
    assert trained.metrics["specificity"] == pytest.approx((found[~malignant] == 1).mean(), abs=1e-6)
    assert (trained.metrics["n_train"], trained.metrics["n_holdout"]) == (426, 143)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(dataset: Dataset, trained: TrainingResult) -> None:
    again, other = (
        trained_with(BreastCancer(), dataset, Params()),
        trained_with(BreastCancer(), dataset, Params(seed=8)),
    )
    rows = dataset.rows
    expected = OnnxSession(trained.onnx).probabilities(rows)
    assert (OnnxSession(again.onnx).probabilities(rows) == expected).all()
    assert (OnnxSession(other.onnx).probabilities(rows) != expected).any()


@pytest.mark.parametrize(
    "params",
    [
        Params(C=1e-4),
        Params(C=1e4),
        Params(epochs=1),
        Params(test_size=0.1),
        Params(test_size=0.5),
        Params(seed=2**32 - 1),
    ],
)
def test_it_trains_with_every_extreme_value_that_the_schema_allows(dataset: Dataset, params: Params) -> None:
    found = trained_with(BreastCancer(), dataset, params)
    assert np.isfinite(OnnxSession(found.onnx).probabilities(dataset.rows)).all()
    assert found.metrics["accuracy"] > 0.5


def test_progress_is_monotonic_and_the_training_lasts_min_seconds(dataset: Dataset) -> None:
    tracker = ProgressTracker(0.5, Event())
    reported = list(train_model(BreastCancer(), dataset, Params(epochs=3, min_seconds=0.5), tracker))
    assert tracker.elapsed_seconds >= 0.5
    assert [step.percent for step in reported] == sorted(step.percent for step in reported)
    assert (reported[0].percent, reported[-1].percent) == (0, 95)
    assert len(reported) >= 4


def test_it_ends_at_once_if_the_server_stops(dataset: Dataset) -> None:
    stopping = Event()
    tracker = ProgressTracker(3600, stopping)
    steps = train_model(BreastCancer(), dataset, Params(min_seconds=3600), tracker)
    next(steps)
    stopping.set()
    with pytest.raises(ServerStopping):
        next(steps)
    assert tracker.elapsed_seconds < 60


def test_it_accepts_integers_written_as_floats() -> None:
    params = Params.from_json({"epochs": 5.0, "C": 2, "seed": 3.0})
    assert params == replace(Params(), epochs=5, C=2.0, seed=3)
    assert [type(value) for value in (params.epochs, params.C, params.seed)] == [int, float, int]
