import hashlib
import json
from pathlib import Path
from threading import Event

import numpy as np
import onnx
import pytest

from ml_server.app import create_app
from ml_server.dataset import Dataset, row_digests
from ml_server.onnx_session import OnnxSession
from ml_server.params import Params
from ml_server.progress import ProgressTracker
from ml_server.recipes.__main__ import write_model
from ml_server.recipes.handwritten_digits import HandwrittenDigits
from ml_server.service import SHIPPED_MODELS
from ml_server.train import TrainingResult, train_model
from tests.ml_server.unit.helpers import trained_with

ACCURACY = 0.97
TOLERANCE = 1e-5  # of a probability: the ONNX model uses 32-bit floats, scikit-learn 64-bit floats
CPU_TOLERANCE = 1e-3  # of a probability: other CPUs add in another order, which 50 epochs amplify
SHIPPED_DIGITS = SHIPPED_MODELS / "handwritten-digits"


def test_the_onnx_model_predicts_like_scikit_learn_on_the_hold_out(trained_digits: TrainingResult) -> None:
    rows = trained_digits.split.holdout_rows
    ours, theirs = OnnxSession(trained_digits.onnx).probabilities(rows), trained_digits.estimator.predict_proba(rows)
    assert ours.shape == theirs.shape == (454, 10)
    assert trained_digits.metrics["accuracy"] > ACCURACY
    assert np.abs(ours - theirs).max() < TOLERANCE
    assert (ours.argmax(axis=1) == trained_digits.estimator.predict(rows)).all()


def test_the_metrics_are_those_of_the_hold_out(trained_digits: TrainingResult) -> None:
    parts = trained_digits.split
    assert not set(row_digests(parts.train_rows)) & set(row_digests(parts.holdout_rows))
    accuracy = (trained_digits.estimator.predict(parts.holdout_rows) == parts.holdout_labels).mean()
    assert trained_digits.metrics == {
        "accuracy": pytest.approx(accuracy, abs=1e-6),
        "n_train": 1343,
        "n_holdout": 454,
    }


def test_the_command_reproduces_the_shipped_model(tmp_path: Path, digits: Dataset) -> None:
    metrics = write_model(HandwrittenDigits(), tmp_path)
    shipped, made = (json.loads((home / "metadata.json").read_text()) for home in (SHIPPED_DIGITS, tmp_path))
    ours, theirs = (
        OnnxSession((home / "model.onnx").read_bytes()).probabilities(digits.rows)
        for home in (SHIPPED_DIGITS, tmp_path)
    )
    assert np.abs(ours - theirs).max() < CPU_TOLERANCE
    assert shipped["metrics"]["accuracy"] == pytest.approx(metrics["accuracy"], abs=0.003)
    assert shipped["metrics"]["accuracy"] > ACCURACY
    same = ("task", "input_schema", "example", "preprocessing", "translations", "classes", "licence", "seen")
    assert [shipped[member] for member in same] == [made[member] for member in same]
    assert shipped["lineage"]["data"] == made["lineage"]["data"]
    assert shipped["onnx_sha256"] == hashlib.sha256((SHIPPED_DIGITS / "model.onnx").read_bytes()).hexdigest()


def test_the_same_seed_gives_the_same_file(digits: Dataset) -> None:
    quick = Params(epochs=2)
    one, same = (trained_with(HandwrittenDigits(), digits, quick).onnx for _ in range(2))
    assert one == same != trained_with(HandwrittenDigits(), digits, Params(epochs=2, seed=8)).onnx
    assert onnx.load_from_string(one).graph.node[0].op_type == "Flatten"


def test_it_can_be_cancelled_between_epochs(digits: Dataset) -> None:
    steps = train_model(HandwrittenDigits(), digits, Params(min_seconds=3600), ProgressTracker(3600, Event()))
    assert [next(steps).percent, next(steps).message] == [0, "epoch 1 of 50"]
    steps.close()


def test_it_is_retrained_by_name_with_lineage(tmp_path: Path) -> None:
    client = create_app(tmp_path).test_client()
    body = {"model": "handwritten-digits", "params": {"epochs": 3}}
    worse = client.post("/api/v1/retrain", json=body).get_json()
    assert (worse["model"]["version"], worse["parent"], worse["promoted"]) == ("2", "1", False)
    assert worse["compared"]["rows"] == 454
    served = client.get("/api/v1/model-info").get_json()["models"][1]
    assert served["version"] == "1"
    promoted = client.post("/api/v1/retrain", json=body | {"params": {"epochs": 3, "promote": "always"}}).get_json()
    assert promoted["promoted"]
    served = client.get("/api/v1/model-info").get_json()["models"][1]
    assert (served["version"], served["lineage"]["parent"], served["lineage"]["params"]["epochs"]) == ("3", "1", 3)
    assert len(served["lineage"]["code_sha256"]) == len(served["lineage"]["data"]["sha256"]) == 64


def test_no_model_is_a_pickle() -> None:
    """Loading a pickle can run any code."""
    sources = [path.read_text() for path in Path(SHIPPED_MODELS.parent, "ml_server").rglob("*.py")]
    assert not [text for text in sources if "pickle" in text or "joblib" in text]
    assert {path.suffix for path in SHIPPED_MODELS.rglob("*") if path.is_file()} <= {".onnx", ".json", ".md", ".txt"}
