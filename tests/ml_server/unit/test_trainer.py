from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from ml_server.dataset import Dataset
from ml_server.exceptions import IdempotencyKeyReused, TrainingInProgress
from ml_server.handlers import handler_factories
from ml_server.recipes import DEFAULT_MODEL, RECIPES
from ml_server.registry import Registry
from ml_server.trainer import Result, Trainer
from ml_server.training_request import TrainingRequest

QUICK = {"params": {"epochs": 1}}
LONG = {"params": {"min_seconds": 86400}}


def registry_at(folder: Path) -> Registry:
    return Registry(folder, handler_factories(), names=RECIPES)


def trainer_at(folder: Path) -> Trainer:
    return Trainer(registry_at(folder), RECIPES, Event())


def result_of(trainer: Trainer, request: TrainingRequest) -> Result:
    run = trainer.start(request)
    assert list(run) or run.result
    return run.result


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in (folder / DEFAULT_MODEL).iterdir())


def test_it_promotes_each_version_and_records_its_parent(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path)
    first, second = (
        result_of(trainer, TrainingRequest.from_body(QUICK)),
        result_of(trainer, TrainingRequest.from_body({"params": {"C": 2}})),
    )
    assert first["model"] == {"name": DEFAULT_MODEL, "version": "1"}
    assert (first["parent"], second["parent"]) == (None, "1")
    assert second["params"] == {
        "C": 2.0,
        "seed": 7,
        "test_size": 0.25,
        "epochs": 50,
        "min_seconds": 0.0,
        "promote": "unless_worse",
        "forget_feedback": False,
    }
    serving = registry_at(tmp_path).version_for({})
    assert serving.version == "2"
    assert serving.metadata["lineage"]["parent"] == "1"
    assert serving.metadata["metrics"] == second["metrics"]


def test_it_trains_on_another_dataset(tmp_path: Path, dataset: Dataset) -> None:
    corrected = replace(dataset, name="Corrected", rows=dataset.rows[:400], labels=dataset.labels[:400])
    run = trainer_at(tmp_path).start(TrainingRequest.from_body({}), corrected)
    assert list(run)
    lineage = registry_at(tmp_path).version_for({}).metadata["lineage"]
    assert lineage["data"] == {"name": "Corrected", "source": dataset.source, "rows": 400, "sha256": corrected.sha256}
    assert run.result["metrics"]["n_train"] + run.result["metrics"]["n_holdout"] == 400


def test_it_trains_one_model_at_a_time_across_all_models(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path)
    run = trainer.start(TrainingRequest.from_body(LONG))
    with pytest.raises(TrainingInProgress):
        trainer.start(TrainingRequest.from_body({"model": "handwritten-digits"}))
    run.close()


def test_it_recognises_a_key_across_all_models(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path)
    result_of(trainer, TrainingRequest.from_body(QUICK, "a key"))
    with pytest.raises(IdempotencyKeyReused):
        trainer.start(TrainingRequest.from_body(QUICK | {"model": "handwritten-digits"}, "a key"))


def test_it_trains_one_at_a_time(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path)
    run = trainer.start(TrainingRequest.from_body(LONG))
    with pytest.raises(TrainingInProgress):
        trainer.start(TrainingRequest.from_body(QUICK))
    run.close()
    assert result_of(trainer, TrainingRequest.from_body(QUICK))["model"]["version"] == "1"


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_cancelled_training_saves_nothing(tmp_path: Path, steps: int) -> None:
    trainer = trainer_at(tmp_path)
    result_of(trainer, TrainingRequest.from_body(QUICK))
    run = trainer.start(TrainingRequest.from_body(LONG))
    progress = iter(run)
    for _ in range(steps):
        next(progress)
    run.close()
    assert not trainer.is_running
    assert entries(tmp_path) == ["1", "current"]
    assert list(progress) == []


def test_a_repeated_key_returns_the_first_result_also_after_a_restart(tmp_path: Path) -> None:
    first = result_of(trainer_at(tmp_path), TrainingRequest.from_body(QUICK, "a key"))
    other = result_of(trainer_at(tmp_path), TrainingRequest.from_body(QUICK, "another key"))
    assert result_of(trainer_at(tmp_path), TrainingRequest.from_body(QUICK, "a key")) == first
    assert (first["model"]["version"], other["model"]["version"]) == ("1", "2")
    assert entries(tmp_path) == ["1", "2", "current"]


def test_a_repeated_key_is_answered_while_another_training_runs(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path)
    first = result_of(trainer, TrainingRequest.from_body(QUICK, "a key"))
    run = trainer.start(TrainingRequest.from_body(LONG, "another key"))
    assert result_of(trainer, TrainingRequest.from_body(QUICK, "a key")) == first
    with pytest.raises(TrainingInProgress):
        trainer.start(TrainingRequest.from_body(LONG, "another key"))
    run.close()


def test_it_rejects_a_known_key_with_another_body(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path)
    result_of(trainer, TrainingRequest.from_body(QUICK, "a key"))
    with pytest.raises(IdempotencyKeyReused):
        trainer.start(TrainingRequest.from_body({}, "a key"))


def test_a_key_can_be_used_again_after_its_training_was_cancelled(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path)
    trainer.start(TrainingRequest.from_body(LONG, "a key")).close()
    assert result_of(trainer, TrainingRequest.from_body(QUICK, "a key"))["model"]["version"] == "1"


def test_it_trains_each_time_without_a_key(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path)
    assert [result_of(trainer, TrainingRequest.from_body(QUICK))["model"]["version"] for _ in range(2)] == ["1", "2"]


def test_it_stores_no_key_in_clear(tmp_path: Path) -> None:
    result_of(trainer_at(tmp_path), TrainingRequest.from_body(QUICK, "key-of-dr-kim"))
    assert b"key-of-dr-kim" not in (tmp_path / DEFAULT_MODEL / "1" / "metadata.json").read_bytes()


def test_two_bodies_of_equal_json_are_the_same_request(tmp_path: Path) -> None:
    one = TrainingRequest.from_body({"model": "m", "params": {"C": 1, "seed": 2}}, "k")
    assert one == TrainingRequest.from_body({"params": {"seed": 2, "C": 1}, "model": "m"}, "k")
