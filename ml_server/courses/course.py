"""What every course is."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ml_server.dataset import DataSet, Labels, Split
from ml_server.network import Numbers, Tensor
from ml_server.pace import Pace, Progress
from ml_server.params import Params

FITTED = 95  # percent; the rest is for the evaluation and the export


class Learner(Protocol):
    """What scikit-learn learns pass by pass."""

    def partial_fit(self, X: Numbers, y: Labels, *, classes: Labels) -> object:  # noqa: N803 - scikit-learn's names
        """One pass."""


class Estimator(Protocol):
    """What scikit-learn has learned."""

    def predict_proba(self, rows: Numbers) -> NDArray[np.float64]:
        """Of each class for each row."""

    def predict(self, rows: Numbers) -> Labels:
        """The likeliest class of each row."""


class Course(ABC):
    """Turns a data set into a model. Holds no state: any number of trainings may follow it."""

    name: ClassVar[str]
    method: ClassVar[str]

    @abstractmethod
    def load(self) -> DataSet:
        """The data that it learns from unless a training is given other data of the same shape."""

    @abstractmethod
    def fit(self, parts: Split, params: Params, pace: Pace) -> Generator[Progress, None, Estimator]:
        """Learns from the training rows. The same parts and seed give the same model."""

    @abstractmethod
    def export(self, estimator: Any) -> bytes:
        """The same model as an ONNX file, whose output `probabilities` has shape (n, classes)."""

    @abstractmethod
    def describe(self, data: DataSet, parts: Split) -> dict[str, Any]:
        """The card's `task`, `input_schema`, `example` and whatever else the task's handler reads."""

    def measure(self, probabilities: Tensor, parts: Split) -> dict[str, float]:
        """Of the exported model on the hold-out, shape (n, classes)."""
        return {
            "accuracy": share(probabilities.argmax(axis=1) == parts.holdout_labels),
            "n_train": len(parts.train_labels),
            "n_holdout": len(parts.holdout_labels),
        }


def in_passes(
    learner: Learner, rows: Numbers, labels: Labels, params: Params, pace: Pace
) -> Generator[Progress, None, None]:
    """Shows `learner` all rows `params.epochs` times, each time in another order, at the pace that is asked for."""
    # Shuffled here: with its own shuffle and a seed, partial_fit takes the rows in the same order in every pass.
    rng, classes = np.random.default_rng(params.seed), np.unique(labels)
    for epoch in range(1, params.epochs + 1):
        order = rng.permutation(len(rows))
        learner.partial_fit(rows[order], labels[order], classes=classes)
        for reached in pace.reach(epoch / params.epochs):
            yield Progress(int(reached * FITTED), f"pass {epoch} of {params.epochs}")


def share(hits: NDArray[np.bool_]) -> float:
    """Of those that are true, from 0 to 1."""
    return round(float(hits.mean()), 6)
