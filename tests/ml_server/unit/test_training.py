from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from ml_server.courses.biopsies import Biopsies
from ml_server.dataset import DataSet, split
from ml_server.exceptions import Stopping
from ml_server.network import Network
from ml_server.pace import Pace
from ml_server.params import Params
from ml_server.training import Trained, train
from tests.ml_server.unit.steps import trained_with

TOLERANCE = 1e-5  # of a probability: the network computes in 32-bit floats, scikit-learn in 64


def test_it_answers_as_scikit_learn_does_over_the_whole_hold_out(trained: Trained) -> None:
    rows = trained.split.holdout_rows
    ours, theirs = Network(trained.onnx).probabilities(rows), trained.estimator.predict_proba(rows)
    assert ours.shape == theirs.shape == (143, 2)
    assert np.abs(ours - theirs).max() < TOLERANCE
    assert (ours.argmax(axis=1) == trained.estimator.predict(rows)).all()


@pytest.mark.parametrize("seed", [7, 1, 2, 3])
def test_it_is_accurate_on_rows_it_never_saw(data: DataSet, seed: int) -> None:
    metrics = trained_with(Biopsies(), data, Params(seed=seed)).metrics
    assert metrics["accuracy"] >= 0.95
    assert metrics["roc_auc"] >= 0.98
    assert min(metrics["sensitivity"], metrics["specificity"]) >= 0.90


def test_it_holds_rows_out_each_class_in_its_proportion(data: DataSet) -> None:
    parts = split(data, test_size=0.25, seed=7)
    seen, held = {row.tobytes() for row in parts.train_rows}, {row.tobytes() for row in parts.holdout_rows}
    assert (len(parts.train_rows), len(parts.holdout_rows)) == (426, 143)
    assert not seen & held
    assert abs(parts.train_labels.mean() - parts.holdout_labels.mean()) < 0.01


def test_a_row_stays_on_its_side_when_others_come_or_its_label_is_corrected(data: DataSet) -> None:
    few = replace(data, rows=data.rows[:500], labels=1 - data.labels[:500])
    wide, narrow = (split(data, test_size=share, seed=7) for share in (0.25, 0.1))
    held, before = {row.tobytes() for row in wide.holdout_rows}, split(few, test_size=0.25, seed=7).holdout_rows
    assert {row.tobytes() for row in narrow.holdout_rows} <= held
    assert sum(row.tobytes() in held for row in before) > 0.9 * len(before)
    twice = replace(data, rows=np.vstack([data.rows, data.rows]), labels=np.hstack([data.labels, data.labels]))
    doubled = split(twice, test_size=0.25, seed=7)
    assert not {row.tobytes() for row in doubled.train_rows} & {row.tobytes() for row in doubled.holdout_rows}


def test_it_measures_what_the_hold_out_shows(trained: Trained) -> None:
    found, truth = trained.estimator.predict(trained.split.holdout_rows), trained.split.holdout_labels
    malignant = truth == 0
    assert trained.metrics["accuracy"] == pytest.approx((found == truth).mean(), abs=1e-6)
    assert trained.metrics["sensitivity"] == pytest.approx((found[malignant] == 0).mean(), abs=1e-6)
    assert trained.metrics["specificity"] == pytest.approx((found[~malignant] == 1).mean(), abs=1e-6)
    assert (trained.metrics["n_train"], trained.metrics["n_holdout"]) == (426, 143)


def test_it_gives_the_same_model_for_the_same_seed_and_another_for_another(data: DataSet, trained: Trained) -> None:
    again, other = trained_with(Biopsies(), data, Params()), trained_with(Biopsies(), data, Params(seed=8))
    rows = data.rows
    expected = Network(trained.onnx).probabilities(rows)
    assert (Network(again.onnx).probabilities(rows) == expected).all()
    assert (Network(other.onnx).probabilities(rows) != expected).any()


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
def test_it_trains_with_every_extreme_that_the_schema_allows(data: DataSet, params: Params) -> None:
    found = trained_with(Biopsies(), data, params)
    assert np.isfinite(Network(found.onnx).probabilities(data.rows)).all()
    assert found.metrics["accuracy"] > 0.5


def test_it_tells_its_progress_in_order_and_lasts_as_long_as_asked(data: DataSet) -> None:
    pace = Pace(0.5, Event())
    told = list(train(Biopsies(), data, Params(epochs=3, min_seconds=0.5), pace))
    assert pace.seconds >= 0.5
    assert [step.percent for step in told] == sorted(step.percent for step in told)
    assert (told[0].percent, told[-1].percent) == (0, 95)
    assert len(told) >= 4


def test_it_ends_at_once_when_the_server_stops(data: DataSet) -> None:
    stopping = Event()
    pace = Pace(3600, stopping)
    steps = train(Biopsies(), data, Params(min_seconds=3600), pace)
    next(steps)
    stopping.set()
    with pytest.raises(Stopping):
        next(steps)
    assert pace.seconds < 2


def test_it_takes_whole_numbers_written_as_floats() -> None:
    params = Params.of({"epochs": 5.0, "C": 2, "seed": 3.0})
    assert params == replace(Params(), epochs=5, C=2.0, seed=3)
    assert [type(value) for value in (params.epochs, params.C, params.seed)] == [int, float, int]
