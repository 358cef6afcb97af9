import hashlib
import json
from pathlib import Path
from threading import Event

import numpy as np
import onnx
import pytest

from ml_server.app import create_app
from ml_server.courses.__main__ import make
from ml_server.courses.digits import HandwrittenDigits
from ml_server.dataset import DataSet, digests
from ml_server.network import Network
from ml_server.pace import Pace
from ml_server.params import Params
from ml_server.service import SHIPPED
from ml_server.training import Trained, train
from tests.ml_server.unit.steps import trained_with

ACCURACY = 0.97
TOLERANCE = 1e-5  # of a probability: the network computes in 32-bit floats, scikit-learn in 64
OF_ANOTHER_PROCESSOR = 1e-3  # of a probability: another order of additions, and what 50 passes make of it
HOME = SHIPPED / "handwritten-digits"


def test_it_answers_as_scikit_learn_does_over_the_whole_hold_out(trained_digits: Trained) -> None:
    rows = trained_digits.split.holdout_rows
    ours, theirs = Network(trained_digits.onnx).probabilities(rows), trained_digits.estimator.predict_proba(rows)
    assert ours.shape == theirs.shape == (454, 10)
    assert trained_digits.metrics["accuracy"] > ACCURACY
    assert np.abs(ours - theirs).max() < TOLERANCE
    assert (ours.argmax(axis=1) == trained_digits.estimator.predict(rows)).all()


def test_it_is_measured_on_pictures_it_never_saw(trained_digits: Trained) -> None:
    parts = trained_digits.split
    assert not set(digests(parts.train_rows)) & set(digests(parts.holdout_rows))
    share_found = (trained_digits.estimator.predict(parts.holdout_rows) == parts.holdout_labels).mean()
    assert trained_digits.metrics == {
        "accuracy": pytest.approx(share_found, abs=1e-6),
        "n_train": 1343,
        "n_holdout": 454,
    }


def test_the_shipped_model_is_the_one_that_its_command_makes(tmp_path: Path, digits: DataSet) -> None:
    metrics = make(HandwrittenDigits(), tmp_path)
    shipped, made = (json.loads((home / "metadata.json").read_text()) for home in (HOME, tmp_path))
    ours, theirs = (Network((home / "model.onnx").read_bytes()).probabilities(digits.rows) for home in (HOME, tmp_path))
    assert np.abs(ours - theirs).max() < OF_ANOTHER_PROCESSOR
    assert shipped["metrics"]["accuracy"] == pytest.approx(metrics["accuracy"], abs=0.003)
    assert shipped["metrics"]["accuracy"] > ACCURACY
    same = ("task", "input_schema", "example", "preprocessing", "classes", "licence", "seen")
    assert [shipped[member] for member in same] == [made[member] for member in same]
    assert shipped["lineage"]["data"] == made["lineage"]["data"]
    assert shipped["onnx_sha256"] == hashlib.sha256((HOME / "model.onnx").read_bytes()).hexdigest()


def test_it_gives_the_same_file_for_the_same_seed(digits: DataSet) -> None:
    quick = Params(epochs=2)
    one, same = (trained_with(HandwrittenDigits(), digits, quick).onnx for _ in range(2))
    assert one == same != trained_with(HandwrittenDigits(), digits, Params(epochs=2, seed=8)).onnx
    assert onnx.load_from_string(one).graph.node[0].op_type == "Flatten"


def test_it_can_be_ended_between_passes(digits: DataSet) -> None:
    steps = train(HandwrittenDigits(), digits, Params(min_seconds=3600), Pace(3600, Event()))
    assert [next(steps).percent, next(steps).message] == [0, "pass 1 of 50"]
    steps.close()


def test_it_is_retrained_by_name_and_keeps_its_lineage(tmp_path: Path) -> None:
    client = create_app(tmp_path).test_client()
    body = {"model": "handwritten-digits", "params": {"epochs": 3}}
    worse = client.post("/api/v1/retrain", json=body).get_json()
    assert (worse["model"]["version"], worse["parent"], worse["promoted"]) == ("2", "1", False)
    assert worse["compared"]["rows"] == 454
    served = client.get("/api/v1/model-info").get_json()["models"][1]
    assert served["version"] == "1"
    told = client.post("/api/v1/retrain", json=body | {"params": {"epochs": 3, "promote": "always"}}).get_json()
    assert told["promoted"]
    served = client.get("/api/v1/model-info").get_json()["models"][1]
    assert (served["version"], served["lineage"]["parent"], served["lineage"]["params"]["epochs"]) == ("3", "1", 3)
    assert len(served["lineage"]["code_sha256"]) == len(served["lineage"]["data"]["sha256"]) == 64


def test_no_model_is_a_pickle() -> None:
    """What loads a pickle runs whatever it says."""
    sources = [path.read_text() for path in Path(SHIPPED.parent, "ml_server").rglob("*.py")]
    assert not [text for text in sources if "pickle" in text or "joblib" in text]
    assert {path.suffix for path in SHIPPED.rglob("*") if path.is_file()} <= {".onnx", ".json", ".md", ".txt"}
