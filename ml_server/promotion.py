"""Decides whether a newly trained version replaces the serving version, or waits for a person.

Both versions predict the same rows: those of the new version's hold-out that the serving version was not trained on
either. The labeled examples are never among them. A version waits if one of these objections holds:

- It unlearned a doctor's verdict: the serving version predicts it right, the new version does not.
- It gets significantly fewer of these rows right, in all or in one class. The test is McNemar's exact test on the rows
  that only one of the two versions gets right, one-sided, at 5 %.
- It learned no verdict, and gets fewer rows right at all. So repeated trainings can't erode accuracy.
- It gets fewer rows of a critical class right, even a single row.
- It exceeds the model's change plan: a metric falls by more than the plan allows, or below its floor; too many examples
  are new; there were too many automatic promotions.

If the comparison is inconclusive, the new version waits too. An equal version is promoted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import comb
from typing import Any

import numpy as np

from ml_server.change_plan import ChangePlan
from ml_server.dataset import Mask, Split, row_digests
from ml_server.feedback_outcome import FeedbackOutcome
from ml_server.model_version import ModelVersion
from ml_server.onnx_session import Tensor
from ml_server.params import ALWAYS, NEVER, Params
from ml_server.recipes.recipe import Recipe, fraction_true
from ml_server.train import TrainingResult

SIGNIFICANCE_LEVEL = 0.05
MIN_ROWS = 20  # a comparison on fewer rows is inconclusive
NO_FEEDBACK = FeedbackOutcome()


@dataclass(frozen=True)
class PromotionDecision:
    """Whether to promote, why, and the figures: the rows compared and both accuracies on them.

    `objections`: what speaks against a promotion without a person, also if `promote` has overridden them.
    """

    promoted: bool
    reason: str
    compared: dict[str, Any] | None = None
    objections: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A new version, and what is known of its training.

    `new_examples`: how many examples the serving version was not trained on. `automatic`: automatic promotions in the
    change plan's period.
    """

    recipe: Recipe
    classes: tuple[str, ...]
    params: Params
    result: TrainingResult
    feedback: FeedbackOutcome = NO_FEEDBACK
    new_examples: int = 0
    automatic: int = 0


@dataclass(frozen=True)
class _Comparison:
    """Both versions on the same rows: their probabilities, (rows, classes), and which rows each gets right, (rows,)."""

    split: Split
    new: Tensor
    old: Tensor

    @property
    def correct(self) -> tuple[Mask, Mask]:
        truth = self.split.holdout_labels
        return self.new.argmax(axis=1) == truth, self.old.argmax(axis=1) == truth


def decide_promotion(candidate: Candidate, serving: ModelVersion | None, plan: ChangePlan) -> PromotionDecision:
    """Compares the versions. The training parameter `promote` may override the result."""
    decision = _decide(candidate, serving, plan)
    promote = candidate.params.promote
    if promote in {ALWAYS, NEVER}:
        return replace(decision, promoted=promote == ALWAYS, reason=f"promote is {promote}")
    return decision


def is_significant_loss(lost: int, won: int) -> bool:
    """McNemar's exact test: whether losing `lost` rows and winning `won` rows is more than chance."""
    discordant = lost + won
    as_extreme = sum(comb(discordant, count) for count in range(lost, discordant + 1))
    return as_extreme / (1 << discordant) < SIGNIFICANCE_LEVEL


def _decide(candidate: Candidate, serving: ModelVersion | None, plan: ChangePlan) -> PromotionDecision:
    if serving is None:
        return PromotionDecision(promoted=True, reason="no version was serving")
    comparison = _compare(candidate, serving)
    found = [*_unlearned(candidate), *_of_plan(candidate, plan)]
    if isinstance(comparison, str):
        return _waits(comparison, *found)
    new, old = comparison.correct
    compared = {
        "with": serving.version,
        "rows": len(new),
        "accuracy": fraction_true(new),
        "accuracy_in_service": fraction_true(old),
        "metrics": {
            name: {"new": _json(after), "in_service": _json(before)}
            for name, (after, before) in _on_same_rows(candidate, comparison, plan).items()
        },
    }
    if objections := [*_losses(candidate, comparison, serving, plan), *found]:
        return replace(_waits(*objections), compared=compared)
    worse = f"worse than version {serving.version}"
    fixes = bool(candidate.feedback.learned)
    reason = f"not significantly {worse}, and fixes mistakes of it" if fixes else f"not {worse}"
    return PromotionDecision(promoted=True, reason=reason, compared=compared)


def _waits(*objections: str) -> PromotionDecision:
    return PromotionDecision(promoted=False, reason="; ".join(objections), objections=objections)


def _compare(candidate: Candidate, serving: ModelVersion) -> _Comparison | str:
    """Returns both versions' predictions, or why they can't be compared."""
    if serving.metadata["classes"] != list(candidate.classes):
        return f"version {serving.version} has other classes"
    if serving.train_digests is None:
        return f"the training rows of version {serving.version} are unknown"
    split, probabilities = candidate.result.split, candidate.result.probabilities
    unseen = np.array([digest not in serving.train_digests for digest in row_digests(split.holdout_rows)])
    if unseen.sum() < MIN_ROWS:
        return f"only {unseen.sum()} hold-out rows are new to version {serving.version}, and {MIN_ROWS} are needed"
    rows = split.holdout_rows[unseen]
    common = replace(split, holdout_rows=rows, holdout_labels=split.holdout_labels[unseen])
    return _Comparison(common, probabilities[unseen], serving.handler.predict(rows))


def _losses(candidate: Candidate, comparison: _Comparison, serving: ModelVersion, plan: ChangePlan) -> Iterator[str]:
    new, old = comparison.correct
    lost, won = _count_differences(new, old)
    worse = f"worse than version {serving.version}"
    if is_significant_loss(lost, won) or (lost > won and not candidate.feedback.learned):
        yield f"{worse} by {lost - won} of {len(new)} rows"
    for index, label in enumerate(candidate.classes):
        of_class = comparison.split.holdout_labels == index
        lost, won = _count_differences(new[of_class], old[of_class])
        if lost > won and label in plan.critical_classes:
            yield f"{worse} by {lost - won} of {of_class.sum()} rows of class {label}, which is critical"
        elif is_significant_loss(lost, won):
            yield f"{worse} by {lost - won} of {of_class.sum()} rows of class {label}"
    yield from _metric_falls(candidate, comparison, plan)


def _metric_falls(candidate: Candidate, comparison: _Comparison, plan: ChangePlan) -> Iterator[str]:
    """Compares by the plan's metrics. A value that can't be computed, such as one of no rows, counts as fallen."""
    for name, (after, before) in _on_same_rows(candidate, comparison, plan).items():
        largest = plan.metrics[name].largest_fall
        if not before - after <= largest:
            allowed = f"a fall by {largest:g}" if largest else "no fall"
            yield f"{name} falls from {before:g} to {after:g}; the change plan allows {allowed}"


def _on_same_rows(candidate: Candidate, comparison: _Comparison, plan: ChangePlan) -> dict[str, tuple[float, float]]:
    """The plan's metrics of the new and of the serving version."""
    after, before = (candidate.recipe.evaluate(each, comparison.split) for each in (comparison.new, comparison.old))
    return {name: (after.get(name, np.nan), before.get(name, np.nan)) for name in plan.metrics}


def _of_plan(candidate: Candidate, plan: ChangePlan) -> Iterator[str]:
    metrics = candidate.result.metrics
    for name, limit in plan.metrics.items():
        if not metrics.get(name, np.nan) >= limit.floor:
            yield f"{name} is {metrics.get(name)}; the change plan's floor is {limit.floor:g}"
    share = candidate.new_examples / len(candidate.result.split.train_labels)
    if share > plan.largest_new_share:
        examples = f"{candidate.new_examples} examples are new, {share:.1%} of the training rows"
        yield f"{examples}; the change plan allows {plan.largest_new_share:.1%}"
    if candidate.automatic >= plan.max_promotions:
        period = f"{plan.period_days} day{'s' * (plan.period_days > 1)}"
        reached = f"{candidate.automatic} versions were promoted automatically within {period}"
        yield f"{reached}; the change plan allows {plan.max_promotions}"


def _unlearned(candidate: Candidate) -> Iterator[str]:
    """Nothing if the training was told to forget: the result still lists what it unlearned.

    The text names no inference, because an erasure could not remove it from there.
    """
    found = candidate.feedback.unlearned
    if found and not candidate.params.forget_feedback:
        verdicts = f"{len(found)} verdict{'s' * (len(found) > 1)} of doctors"
        yield f"it would unlearn {verdicts}, which feedback.unlearned lists"


def _json(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else value


def _count_differences(new: Mask, old: Mask) -> tuple[int, int]:
    """How many rows only the old version gets right, and how many only the new version."""
    return int((old & ~new).sum()), int((new & ~old).sum())
