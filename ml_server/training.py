"""From data and parameters to an ONNX file and its metrics, whatever the course."""

from collections.abc import Generator
from dataclasses import dataclass

from ml_server.courses.course import FITTED, Course, Estimator
from ml_server.dataset import DataSet, Split, split
from ml_server.network import Network, Tensor
from ml_server.pace import Pace, Progress
from ml_server.params import Params


@dataclass(frozen=True)
class Trained:
    """A training's outcome. `estimator` is scikit-learn's own form of the same model, to compare with.

    `probabilities` are what the exported file answers over the hold-out.
    """

    onnx: bytes
    estimator: Estimator
    split: Split
    probabilities: Tensor
    metrics: dict[str, float]


def train(course: Course, data: DataSet, params: Params, pace: Pace) -> Generator[Progress, None, Trained]:
    """Trains, telling its progress; closing the generator ends it. The same seed and data give the same model."""
    yield Progress(0, "started")
    parts = split(data, test_size=params.test_size, seed=params.seed)
    estimator = yield from course.fit(parts, params, pace)
    yield Progress(FITTED, "evaluating on the hold-out")
    onnx = course.export(estimator)
    # The exported file is measured, since it is what will answer.
    probabilities = Network(onnx).probabilities(parts.holdout_rows)
    return Trained(onnx, estimator, parts, probabilities, course.measure(probabilities, parts))
