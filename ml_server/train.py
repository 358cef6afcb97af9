"""Trains a model: from a dataset and parameters to an ONNX file and its metrics.

Each labeled example counts as one training row at first, like any other row. The examples that the model still predicts
wrongly are repeated twice as often in the next training. This ends once the model predicts all of them correctly, or
once the repeats would exceed a quarter of the other training rows. So an example gets no more weight than it needs, and
many examples that contradict the dataset can't outweigh it.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from ml_server.dataset import Dataset, LabeledExamples, Split, split_dataset
from ml_server.onnx_session import OnnxSession, Tensor
from ml_server.params import Params
from ml_server.progress import Progress, ProgressTracker
from ml_server.recipes.recipe import FIT_PERCENT, Estimator, Recipe

MAX_REPEATED_FRACTION = 0.25  # of the other training rows


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training. `estimator` is the scikit-learn form of the same model, for comparisons.

    `probabilities`: the exported model's output on the hold-out, (n, classes). `learned`: how many of the labeled
    examples it predicts as labeled. `session`: the exported model.
    """

    onnx: bytes
    estimator: Estimator
    split: Split
    probabilities: Tensor
    metrics: dict[str, float]
    session: OnnxSession
    labeled_examples: LabeledExamples | None = None
    learned: int = 0


def train_model(
    recipe: Recipe, dataset: Dataset, params: Params, tracker: ProgressTracker
) -> Generator[Progress, None, TrainingResult]:
    """Trains and yields the progress. Closing the generator cancels it. The same seed and data give the same model."""
    yield Progress(0, "started")
    split, examples = split_dataset(dataset, test_size=params.test_size, seed=params.seed), dataset.labeled_examples
    if examples:
        split, estimator = yield from _fit_examples(examples, recipe, split, params, tracker)
    else:
        estimator = yield from recipe.fit(split, params, tracker)
    yield Progress(FIT_PERCENT, "evaluating on the hold-out")
    onnx = recipe.export_onnx(estimator)
    # Evaluate the exported file, because that is what will serve.
    session = OnnxSession(onnx)
    probabilities = session.probabilities(split.holdout_rows)
    learned = examples.count_learned(session.probabilities(examples.rows)) if examples else 0
    metrics = recipe.evaluate(probabilities, split)
    return TrainingResult(onnx, estimator, split, probabilities, metrics, session, examples, learned)


def _fit_examples(
    examples: LabeledExamples, recipe: Recipe, split: Split, params: Params, tracker: ProgressTracker
) -> Generator[Progress, None, tuple[Split, Estimator]]:
    repeats = np.ones(len(examples.labels), dtype=int)
    estimator = yield from recipe.fit(split.with_examples(examples, repeats), params, tracker)
    while True:
        missed = estimator.predict(examples.rows) != examples.labels
        more = np.where(missed, 2 * repeats, repeats)
        if not missed.any() or (more - 1).sum() > MAX_REPEATED_FRACTION * len(split.train_labels):
            return split.with_examples(examples, repeats), estimator
        repeats = more
        steps = recipe.fit(split.with_examples(examples, repeats), params, tracker)
        estimator = yield from _hold_percent(steps, int(missed.sum()))


def _hold_percent(steps: Generator[Progress, None, Estimator], missed: int) -> Generator[Progress, None, Estimator]:
    """Passes the steps on, but with the percentage that the first training has already reached."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            estimator: Estimator = end.value
            return estimator
        yield Progress(FIT_PERCENT, f"again, for {missed} examples: {step.message}")
