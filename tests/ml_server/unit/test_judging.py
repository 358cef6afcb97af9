from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml_server.card import write_card
from ml_server.courses import DEFAULT
from ml_server.courses.biopsies import Biopsies
from ml_server.dataset import DataSet, Lessons, digests
from ml_server.handlers import handlers
from ml_server.judging import is_beyond_chance, judge
from ml_server.model import Model
from ml_server.orders import place_order
from ml_server.params import Params
from ml_server.training import Trained
from tests.ml_server.unit.steps import trained_with
from tests.ml_server.unit.test_trainer import answer_of, registry_at, trainer_over


def model_of(data: DataSet, trained: Trained) -> Model:
    card = write_card(Biopsies(), "1", data=data, params=Params(), trained=trained, parent=None)
    return Model(trained.onnx, card, handlers())


@pytest.fixture(scope="module")
def serving(data: DataSet, trained: Trained) -> Model:
    return model_of(data, trained)


def wrong_on(trained: Trained, rows: list[int]) -> Trained:
    """As `trained`, but with these rows of the hold-out the other way round."""
    probabilities = trained.probabilities.copy()
    probabilities[rows] = probabilities[rows][:, ::-1]
    return replace(trained, probabilities=probabilities)


def test_it_promotes_the_first_and_an_equal(data: DataSet, trained: Trained, serving: Model) -> None:
    assert judge(trained, None, data.classes, "unless_worse").promoted
    found = judge(trained, serving, data.classes, "unless_worse")
    accuracy = trained.metrics["accuracy"]
    assert (found.promoted, found.reason) == (True, "not worse than version 1")
    assert found.compared == {"with": "1", "rows": 143, "accuracy": accuracy, "accuracy_in_service": accuracy}


def test_it_refuses_one_that_is_right_on_fewer_rows(data: DataSet, trained: Trained, serving: Model) -> None:
    found = judge(wrong_on(trained, [0, 1]), serving, data.classes, "unless_worse")
    assert (found.promoted, found.reason) == (False, "worse than version 1 by 2 of 143 rows")


def test_it_refuses_one_that_loses_a_class_however_much_it_wins(data: DataSet) -> None:
    weak = trained_with(Biopsies(), data, Params(C=1e-4))  # finds all that is malignant, and calls most of the rest so
    truth = weak.split.holdout_labels
    perfect, malignant = replace(weak, probabilities=np.eye(2, dtype=np.float32)[truth]), np.flatnonzero(truth == 0)
    by_chance, worse = wrong_on(perfect, malignant[:4].tolist()), wrong_on(perfect, malignant[:5].tolist())
    assert judge(by_chance, model_of(data, weak), data.classes, "unless_worse").promoted
    found = judge(worse, model_of(data, weak), data.classes, "unless_worse")
    assert (found.promoted, found.reason) == (False, "worse than version 1 by 5 of 53 rows of class malignant")


@pytest.mark.parametrize(
    ("lost", "won", "is_worse"), [(4, 0, False), (5, 0, True), (6, 1, False), (7, 1, True), (0, 5, False)]
)
def test_it_tells_chance_from_loss_as_mcnemars_exact_test_does(lost: int, won: int, is_worse: bool) -> None:
    assert is_beyond_chance(lost, won) == is_worse


@pytest.mark.parametrize(("lost", "learned", "comes"), [(2, 1, True), (5, 1, False), (2, 0, False), (0, 0, True)])
def test_it_lets_one_that_mends_a_mistake_lose_what_chance_explains(
    trained: Trained, serving: Model, lost: int, learned: int, comes: bool
) -> None:
    row = trained.split.train_rows[:1]
    lesson = Lessons(row, serving.handler.predict(row).argmin(axis=1))
    other = replace(wrong_on(trained, list(range(lost))), lessons=lesson, learned=learned)
    found = judge(other, serving, tuple(serving.card["classes"]), "unless_worse")
    assert (found.promoted, "mends mistakes" in found.reason) == (comes, comes and learned == 1)


@pytest.mark.parametrize(("promote", "comes"), [("always", True), ("never", False)])
def test_it_obeys_but_still_tells_the_figures(
    data: DataSet,
    trained: Trained,
    serving: Model,
    promote: str,
    comes: bool,
) -> None:
    found = judge(wrong_on(trained, [0]), serving, data.classes, promote)
    assert (found.promoted, found.reason) == (comes, f"promote is {promote}")
    assert found.compared
    assert found.compared["accuracy"] < found.compared["accuracy_in_service"]


def test_it_compares_on_rows_that_neither_was_trained_on(data: DataSet, serving: Model) -> None:
    other = trained_with(Biopsies(), data, Params(seed=3))
    found = judge(other, serving, data.classes, "unless_worse")
    assert serving.seen
    unseen = [row for row in digests(other.split.holdout_rows) if row not in serving.seen]
    assert found.compared
    assert 20 <= found.compared["rows"] == len(unseen) < 143
    assert len(set(digests(data.rows)) - serving.seen) == 143


def test_it_keeps_the_old_one_where_nothing_can_be_told(data: DataSet, trained: Trained, serving: Model) -> None:
    few = trained_with(Biopsies(), data, Params(seed=3, test_size=0.1))
    assert judge(few, serving, data.classes, "unless_worse").reason == "only 15 rows are new to version 1 too"
    other = judge(trained, serving, ("yes", "no"), "unless_worse")
    assert (other.promoted, other.reason) == (False, "version 1 has other classes")


def test_it_keeps_an_old_one_of_which_too_little_is_known(data: DataSet, trained: Trained) -> None:
    card = write_card(Biopsies(), "1", data=data, params=Params(), trained=trained, parent=None)
    del card["seen"]
    found = judge(trained, Model(trained.onnx, card, handlers()), data.classes, "unless_worse")
    assert (found.promoted, found.reason) == (False, "nobody knows which rows version 1 was trained on")


def test_a_worse_training_is_kept_but_serves_only_when_told(tmp_path: Path) -> None:
    trainer = trainer_over(tmp_path)
    answer_of(trainer, place_order({}))
    worse = answer_of(trainer, place_order({"params": {"C": 1e-4}}, "a key"))
    assert worse["model"] == {"name": DEFAULT, "version": "2"}
    assert (worse["promoted"], worse["parent"]) == (False, "1")
    assert worse["reason"].startswith("worse than version 1 by ")
    assert worse["compared"]["accuracy"] < worse["compared"]["accuracy_in_service"]
    assert registry_at(tmp_path).model({}).version == "1"
    assert answer_of(trainer_over(tmp_path), place_order({"params": {"C": 1e-4}}, "a key")) == worse
    told = answer_of(trainer_over(tmp_path), place_order({"params": {"C": 1e-4, "promote": "always"}}))
    assert (told["promoted"], registry_at(tmp_path).model({}).version) == (True, "3")
