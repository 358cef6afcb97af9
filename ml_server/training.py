"""From data and parameters to an ONNX file and its metrics, whatever the course; and how much a lesson weighs.

A lesson counts once at first, as any row does. Those that the outcome still answers otherwise are shown twice as often
in one more training, and so on: until all are learned, or until the repeats would be more than a quarter of the other
training rows. So a doctor's word weighs no more than it needs, and many that contradict the data can't outvote them.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from ml_server.courses.course import FITTED, Course, Estimator
from ml_server.dataset import DataSet, Lessons, Split, split
from ml_server.network import Network, Tensor
from ml_server.pace import Pace, Progress
from ml_server.params import Params

MOST_REPEATS = 0.25  # of the other training rows


@dataclass(frozen=True)
class Trained:
    """A training's outcome. `estimator` is scikit-learn's own form of the same model, to compare with.

    `probabilities` are what the exported file answers over the hold-out, `learned` how many of the lessons it answers
    as they are labelled.
    """

    onnx: bytes
    estimator: Estimator
    split: Split
    probabilities: Tensor
    metrics: dict[str, float]
    lessons: Lessons | None = None
    learned: int = 0


def train(course: Course, data: DataSet, params: Params, pace: Pace) -> Generator[Progress, None, Trained]:
    """Trains, telling its progress; closing the generator ends it. The same seed and data give the same model."""
    yield Progress(0, "started")
    parts = split(data, test_size=params.test_size, seed=params.seed)
    if data.lessons:
        parts, estimator = yield from _fit_with(data.lessons, course, parts, params, pace)
    else:
        estimator = yield from course.fit(parts, params, pace)
    yield Progress(FITTED, "evaluating on the hold-out")
    onnx = course.export(estimator)
    # The exported file is measured, since it is what will answer.
    network = Network(onnx)
    probabilities = network.probabilities(parts.holdout_rows)
    learned = data.lessons.learned(network.probabilities(data.lessons.rows)) if data.lessons else 0
    return Trained(onnx, estimator, parts, probabilities, course.measure(probabilities, parts), data.lessons, learned)


def _fit_with(
    lessons: Lessons, course: Course, parts: Split, params: Params, pace: Pace
) -> Generator[Progress, None, tuple[Split, Estimator]]:
    times = np.ones(len(lessons.labels), dtype=int)
    estimator = yield from course.fit(parts.taught(lessons, times), params, pace)
    while True:
        missed = estimator.predict(lessons.rows) != lessons.labels
        more = np.where(missed, 2 * times, times)
        if not missed.any() or (more - 1).sum() > MOST_REPEATS * len(parts.train_labels):
            return parts.taught(lessons, times), estimator
        times = more
        estimator = yield from _again(course.fit(parts.taught(lessons, times), params, pace), int(missed.sum()))


def _again(steps: Generator[Progress, None, Estimator], missed: int) -> Generator[Progress, None, Estimator]:
    """The same steps, where the progress has been before."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            estimator: Estimator = end.value
            return estimator
        yield Progress(FITTED, f"again, for {missed} examples: {step.message}")
