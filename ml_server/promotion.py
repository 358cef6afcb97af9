"""Decides whether a newly trained version replaces the serving version.

Both versions predict the same rows: those of the new version's hold-out that the serving version was not trained on
either. The new version is worse if it gets fewer of these rows right. It is also worse if it gets significantly fewer
rows of one class right, however good it is on the other classes. The test is McNemar's exact test on the rows that only
one of the two versions gets right, one-sided, at 5 %. An equal version is promoted. If the comparison is inconclusive,
keep the serving version: the new one is stored, and can be promoted by hand.

If the new version predicts more of its labeled examples correctly than the serving version does, it fixes mistakes.
Then it counts as worse over all rows only if the loss is significant too. The labeled examples themselves are never
among the rows that are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from ml_server.dataset import Mask, row_digests
from ml_server.model_version import ModelVersion
from ml_server.params import ALWAYS, NEVER
from ml_server.recipes.recipe import fraction_true
from ml_server.train import TrainingResult

SIGNIFICANCE_LEVEL = 0.05
MIN_ROWS = 20  # a comparison on fewer rows is inconclusive


@dataclass(frozen=True)
class PromotionDecision:
    """Whether to promote, the reason, and the figures: the rows compared and both accuracies on them."""

    promoted: bool
    reason: str
    compared: dict[str, Any] | None = None


def decide_promotion(
    result: TrainingResult, serving: ModelVersion | None, classes: tuple[str, ...], promote: str
) -> PromotionDecision:
    """Compares the versions. `promote` is the training parameter of this name and may override the comparison."""
    decision = _compare(result, serving, classes)
    if promote in {ALWAYS, NEVER}:
        return PromotionDecision(promote == ALWAYS, f"promote is {promote}", decision.compared)
    return decision


def is_significant_loss(lost: int, won: int) -> bool:
    """McNemar's exact test: whether losing `lost` rows and winning `won` rows is more than chance."""
    discordant = lost + won
    as_extreme = sum(comb(discordant, count) for count in range(lost, discordant + 1))
    return as_extreme / (1 << discordant) < SIGNIFICANCE_LEVEL


def _compare(result: TrainingResult, serving: ModelVersion | None, classes: tuple[str, ...]) -> PromotionDecision:
    if serving is None:
        return PromotionDecision(promoted=True, reason="no version was serving")
    if serving.metadata["classes"] != list(classes):
        return PromotionDecision(promoted=False, reason=f"version {serving.version} has other classes")
    if serving.train_digests is None:
        reason = f"the training rows of version {serving.version} are unknown"
        return PromotionDecision(promoted=False, reason=reason)
    rows, truth = result.split.holdout_rows, result.split.holdout_labels
    unseen = np.array([digest not in serving.train_digests for digest in row_digests(rows)])
    if unseen.sum() < MIN_ROWS:
        reason = f"only {unseen.sum()} hold-out rows are new to version {serving.version}, and {MIN_ROWS} are needed"
        return PromotionDecision(promoted=False, reason=reason)
    new = result.probabilities[unseen].argmax(axis=1) == truth[unseen]
    old = serving.handler.predict(rows[unseen]).argmax(axis=1) == truth[unseen]
    compared = {
        "with": serving.version,
        "rows": len(new),
        "accuracy": fraction_true(new),
        "accuracy_in_service": fraction_true(old),
    }
    fixes = _fixes_mistakes(result, serving)
    if loss := _describe_loss(new, old, [classes[label] for label in truth[unseen]], fixes_mistakes=fixes):
        return PromotionDecision(False, f"worse than version {serving.version} {loss}", compared)
    worse = f"worse than version {serving.version}"
    reason = f"not significantly {worse}, and fixes mistakes of it" if fixes else f"not {worse}"
    return PromotionDecision(promoted=True, reason=reason, compared=compared)


def _fixes_mistakes(result: TrainingResult, serving: ModelVersion) -> bool:
    examples = result.labeled_examples
    return examples is not None and result.learned > examples.count_learned(serving.handler.predict(examples.rows))


def _describe_loss(new: Mask, old: Mask, truth: Sequence[str], *, fixes_mistakes: bool) -> str:
    """Says by how much the new version is worse; empty if it is not. All three arguments have shape (rows,)."""
    lost, won = _count_differences(new, old)
    if is_significant_loss(lost, won) if fixes_mistakes else lost > won:
        return f"by {lost - won} of {len(new)} rows"
    for label in sorted(set(truth)):
        of_class = np.array(truth) == label
        lost, won = _count_differences(new[of_class], old[of_class])
        if is_significant_loss(lost, won):
            return f"by {lost - won} of {of_class.sum()} rows of class {label}"
    return ""


def _count_differences(new: Mask, old: Mask) -> tuple[int, int]:
    """How many rows only the old version gets right, and how many only the new version."""
    return int((old & ~new).sum()), int((new & ~old).sum())
