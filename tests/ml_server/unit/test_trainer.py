from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from ml_server.courses import COURSES, DEFAULT
from ml_server.dataset import DataSet
from ml_server.exceptions import Busy, KeyReused
from ml_server.handlers import handlers
from ml_server.orders import Order, place_order
from ml_server.registry import Registry
from ml_server.trainer import Answer, Trainer

QUICK = {"params": {"epochs": 1}}
LONG = {"params": {"min_seconds": 86400}}


def registry_at(folder: Path) -> Registry:
    return Registry(folder, handlers(), names=COURSES)


def trainer_over(folder: Path) -> Trainer:
    return Trainer(registry_at(folder), COURSES, Event())


def answer_of(trainer: Trainer, order: Order) -> Answer:
    run = trainer.start(order)
    assert list(run) or run.answer
    return run.answer


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in (folder / DEFAULT).iterdir())


def test_it_puts_each_version_into_service_and_names_its_parent(tmp_path: Path) -> None:
    trainer = trainer_over(tmp_path)
    first, second = answer_of(trainer, place_order(QUICK)), answer_of(trainer, place_order({"params": {"C": 2}}))
    assert first["model"] == {"name": DEFAULT, "version": "1"}
    assert (first["parent"], second["parent"]) == (None, "1")
    assert second["params"] == {
        "C": 2.0,
        "seed": 7,
        "test_size": 0.25,
        "epochs": 50,
        "min_seconds": 0.0,
        "promote": "unless_worse",
    }
    serving = registry_at(tmp_path).model({})
    assert serving.version == "2"
    assert serving.card["lineage"]["parent"] == "1"
    assert serving.card["metrics"] == second["metrics"]


def test_it_trains_on_the_data_that_it_is_given(tmp_path: Path, data: DataSet) -> None:
    corrected = replace(data, name="Corrected", rows=data.rows[:400], labels=data.labels[:400])
    run = trainer_over(tmp_path).start(place_order({}), corrected)
    assert list(run)
    lineage = registry_at(tmp_path).model({}).card["lineage"]
    assert lineage["data"] == {"name": "Corrected", "source": data.source, "rows": 400, "sha256": corrected.sha256}
    assert run.answer["metrics"]["n_train"] + run.answer["metrics"]["n_holdout"] == 400


def test_it_trains_one_model_at_a_time_whichever_it_is(tmp_path: Path) -> None:
    trainer = trainer_over(tmp_path)
    run = trainer.start(place_order(LONG))
    with pytest.raises(Busy):
        trainer.start(place_order({"model": "handwritten-digits"}))
    run.close()


def test_it_knows_a_key_again_whichever_model_it_is_for(tmp_path: Path) -> None:
    trainer = trainer_over(tmp_path)
    answer_of(trainer, place_order(QUICK, "a key"))
    with pytest.raises(KeyReused):
        trainer.start(place_order(QUICK | {"model": "handwritten-digits"}, "a key"))


def test_it_trains_one_at_a_time(tmp_path: Path) -> None:
    trainer = trainer_over(tmp_path)
    run = trainer.start(place_order(LONG))
    with pytest.raises(Busy):
        trainer.start(place_order(QUICK))
    run.close()
    assert answer_of(trainer, place_order(QUICK))["model"]["version"] == "1"


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_it_leaves_nothing_of_a_cancelled_training(tmp_path: Path, steps: int) -> None:
    trainer = trainer_over(tmp_path)
    answer_of(trainer, place_order(QUICK))
    run = trainer.start(place_order(LONG))
    progress = iter(run)
    for _ in range(steps):
        next(progress)
    run.close()
    assert not trainer.is_running
    assert entries(tmp_path) == ["1", "current"]
    assert list(progress) == []


def test_it_returns_the_first_answer_to_a_repeated_key_also_after_a_restart(tmp_path: Path) -> None:
    first = answer_of(trainer_over(tmp_path), place_order(QUICK, "a key"))
    other = answer_of(trainer_over(tmp_path), place_order(QUICK, "another key"))
    assert answer_of(trainer_over(tmp_path), place_order(QUICK, "a key")) == first
    assert (first["model"]["version"], other["model"]["version"]) == ("1", "2")
    assert entries(tmp_path) == ["1", "2", "current"]


def test_it_answers_a_known_key_while_another_training_runs(tmp_path: Path) -> None:
    trainer = trainer_over(tmp_path)
    first = answer_of(trainer, place_order(QUICK, "a key"))
    run = trainer.start(place_order(LONG, "another key"))
    assert answer_of(trainer, place_order(QUICK, "a key")) == first
    with pytest.raises(Busy):
        trainer.start(place_order(LONG, "another key"))
    run.close()


def test_it_refuses_a_known_key_with_another_body(tmp_path: Path) -> None:
    trainer = trainer_over(tmp_path)
    answer_of(trainer, place_order(QUICK, "a key"))
    with pytest.raises(KeyReused):
        trainer.start(place_order({}, "a key"))


def test_it_trains_again_for_a_key_whose_training_was_cancelled(tmp_path: Path) -> None:
    trainer = trainer_over(tmp_path)
    trainer.start(place_order(LONG, "a key")).close()
    assert answer_of(trainer, place_order(QUICK, "a key"))["model"]["version"] == "1"


def test_it_trains_anew_each_time_without_a_key(tmp_path: Path) -> None:
    trainer = trainer_over(tmp_path)
    assert [answer_of(trainer, place_order(QUICK))["model"]["version"] for _ in range(2)] == ["1", "2"]


def test_it_keeps_no_key_in_clear(tmp_path: Path) -> None:
    answer_of(trainer_over(tmp_path), place_order(QUICK, "key-of-dr-kim"))
    assert b"key-of-dr-kim" not in (tmp_path / DEFAULT / "1" / "metadata.json").read_bytes()


def test_it_takes_bodies_for_the_same_that_are_the_same_json(tmp_path: Path) -> None:
    one = place_order({"model": "m", "params": {"C": 1, "seed": 2}}, "k")
    assert one == place_order({"params": {"seed": 2, "C": 1}, "model": "m"}, "k")
