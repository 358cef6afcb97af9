"""The base class of all recipes."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ml_server.dataset import Dataset, Labels, Split
from ml_server.onnx_session import FloatArray, Tensor
from ml_server.params import Params
from ml_server.progress import Progress, ProgressTracker

FIT_PERCENT = 95  # the rest is for export and evaluation


class IncrementalEstimator(Protocol):
    """A scikit-learn estimator that can be trained epoch by epoch."""

    def partial_fit(self, X: FloatArray, y: Labels, *, classes: Labels) -> object:  # noqa: N803 - as in scikit-learn
        """Trains for one epoch."""


class Estimator(Protocol):
    """A fitted scikit-learn classifier."""

    def predict_proba(self, rows: FloatArray) -> NDArray[np.float64]:
        """Returns the probability of each class for each row."""

    def predict(self, rows: FloatArray) -> Labels:
        """Returns the most probable class of each row."""


class Recipe(ABC):
    """Turns a dataset into a model. It has no state, so several trainings may share it."""

    name: ClassVar[str]
    method: ClassVar[str]

    @abstractmethod
    def load_dataset(self) -> Dataset:
        """Loads the default dataset. A training may be given another one of the same shape."""

    @abstractmethod
    def fit(self, split: Split, params: Params, tracker: ProgressTracker) -> Generator[Progress, None, Estimator]:
        """Fits an estimator to the training rows. The same split and seed give the same model."""

    @abstractmethod
    def export_onnx(self, estimator: Any) -> bytes:
        """Exports the estimator as an ONNX file, whose output `probabilities` has shape (n, classes)."""

    @abstractmethod
    def describe(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        """Returns the metadata's `task`, `input_schema`, `example`, and the other members that the handler reads."""

    def evaluate(self, probabilities: Tensor, split: Split) -> dict[str, float]:
        """Computes metrics from the exported model's probabilities on the hold-out, shape (n, classes)."""
        return {
            "accuracy": fraction_true(probabilities.argmax(axis=1) == split.holdout_labels),
            "n_train": len(split.train_labels),
            "n_holdout": len(split.holdout_labels),
        }


def fit_epochs(
    estimator: IncrementalEstimator, rows: FloatArray, labels: Labels, params: Params, tracker: ProgressTracker
) -> Generator[Progress, None, None]:
    """Trains `estimator` for `params.epochs` epochs and reports the progress. Shuffles the rows before each epoch."""
    # Shuffled here, because partial_fit with a fixed seed would use the same order in each epoch.
    rng, classes = np.random.default_rng(params.seed), np.unique(labels)
    for epoch in range(1, params.epochs + 1):
        order = rng.permutation(len(rows))
        estimator.partial_fit(rows[order], labels[order], classes=classes)
        for reached in tracker.advance_to(epoch / params.epochs):
            yield Progress(int(reached * FIT_PERCENT), f"epoch {epoch} of {params.epochs}")


def fraction_true(hits: NDArray[np.bool_]) -> float:
    """The fraction of `hits` that is true, from 0 to 1."""
    return round(float(hits.mean()), 6)
