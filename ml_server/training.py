"""From data and parameters to an ONNX file and its metrics: logistic regression on standardised features."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ml_server.dataset import DataSet, Labels, Split, split
from ml_server.network import INPUT, Network
from ml_server.pace import Pace
from ml_server.params import Params

POSITIVE = 0  # malignant: what sensitivity is about
FITTED = 95  # percent; the rest is for the evaluation and the export


@dataclass(frozen=True)
class Progress:
    """How far a training is: 0 to 100, and a line for people."""

    percent: int
    message: str


@dataclass(frozen=True)
class Trained:
    """A training's outcome. `pipeline` is scikit-learn's own form of the same model, to compare with."""

    onnx: bytes
    pipeline: Pipeline
    split: Split
    metrics: dict[str, float]


def train(data: DataSet, params: Params, pace: Pace) -> Generator[Progress, None, Trained]:
    """Trains, telling its progress; closing the generator ends it. The same seed and data give the same model."""
    yield Progress(0, "started")
    parts = split(data, test_size=params.test_size, seed=params.seed)
    pipeline = yield from _fit(parts, params, pace)
    yield Progress(FITTED, "evaluating on the hold-out")
    onnx = _export(pipeline, features=len(data.features))
    # The exported file is measured, since it is what will answer.
    metrics = _measure(Network(onnx).probabilities(parts.holdout_rows), parts)
    return Trained(onnx, pipeline, parts, metrics)


def _fit(parts: Split, params: Params, pace: Pace) -> Generator[Progress, None, Pipeline]:
    scaler = StandardScaler().fit(parts.train_rows)
    rows, labels = scaler.transform(parts.train_rows), parts.train_labels
    classifier = SGDClassifier(
        loss="log_loss", alpha=1 / (params.C * len(rows)), shuffle=False, random_state=params.seed
    )
    # Shuffled here: with its own shuffle and a seed, partial_fit takes the rows in the same order in every pass.
    rng = np.random.default_rng(params.seed)
    for epoch in range(1, params.epochs + 1):
        order = rng.permutation(len(rows))
        classifier.partial_fit(rows[order], labels[order], classes=np.unique(labels))
        for share in pace.reach(epoch / params.epochs):
            yield Progress(int(share * FITTED), f"pass {epoch} of {params.epochs}")
    return Pipeline([("scale", scaler), ("classify", classifier)])


def _export(pipeline: Pipeline, *, features: int) -> bytes:
    inputs = [(INPUT, FloatTensorType([None, features]))]
    exported: Any = to_onnx(pipeline, initial_types=inputs, options={"zipmap": False})
    onnx: bytes = exported.SerializeToString()
    return onnx


def _measure(probabilities: NDArray[np.float32], parts: Split) -> dict[str, float]:
    """On the hold-out. Sensitivity is the share of malignant rows found, specificity that of benign ones."""
    truth, found = parts.holdout_labels == POSITIVE, probabilities.argmax(axis=1) == POSITIVE
    return {
        "accuracy": _share(truth == found),
        "roc_auc": round(float(roc_auc_score(truth, probabilities[:, POSITIVE])), 6),
        "sensitivity": _share(found[truth]),
        "specificity": _share(~found[~truth]),
        "n_train": len(parts.train_labels),
        "n_holdout": len(parts.holdout_labels),
    }


def _share(hits: Labels | NDArray[np.bool_]) -> float:
    return round(float(hits.mean()), 6)
